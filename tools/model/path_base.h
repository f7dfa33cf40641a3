/* SPDX-License-Identifier: Apache-2.0 */
/* path_base: what a file is called without its folder. */
#ifndef SEEP_MODEL_PATH_BASE_H
#define SEEP_MODEL_PATH_BASE_H

/* The last component of a path; all of one that ends in a slash. */
const char *path_base(const char *path);

#endif
