/* SPDX-License-Identifier: Apache-2.0 */
/*
 * number_folder: a folder whose entries are numbers, as the kernel lists threads and descriptors.
 */
#ifndef LIB_BASE_NUMBER_FOLDER_H
#define LIB_BASE_NUMBER_FOLDER_H

#include <stdbool.h>
#include <stdint.h>

/* Calls `visit` for each of them. False where the folder could not be read to its end. */
bool number_folder_visit(const char *path, void (*visit)(uint32_t number, void *context),
			 void *context);

#endif
