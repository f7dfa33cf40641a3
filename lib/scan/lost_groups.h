/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lost_groups: how the blocks hang together that nothing reaches any more: one head for each group, which
 * no other lost block leads to, and what hangs under it.
 */
#ifndef LIB_SCAN_LOST_GROUPS_H
#define LIB_SCAN_LOST_GROUPS_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/scan/flood.h"

/* Every block that is MARK_NONE becomes MARK_HEAD or MARK_INDIRECT. Where each of some blocks leads to all
 * of them, such as in a ring, and no other lost block to any of them, one of them is the head. False when
 * there is no memory. */
bool lost_groups_find(struct flood *flood);

/* Each that is MARK_INDIRECT becomes MARK_COUNTED: `count` is called for it with the head under which it
 * hangs; under one of them, where there are several. False when there is no memory. */
typedef void lost_groups_visitor(block_ref head, block_ref ref, void *context);
bool lost_groups_count(struct flood *flood, lost_groups_visitor *count, void *context);

#endif
