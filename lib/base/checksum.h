/* SPDX-License-Identifier: Apache-2.0 */
/* checksum: CRC-32 as in zlib and IEEE 802.3, for the records of the snapshot file. */
#ifndef LIB_BASE_CHECKSUM_H
#define LIB_BASE_CHECKSUM_H

#include <stddef.h>
#include <stdint.h>

/* The checksum of `data` appended to what `checksum` covers so far; start with 0. */
uint32_t checksum_add(uint32_t checksum, const void *data, size_t bytes);

#endif
