/* SPDX-License-Identifier: Apache-2.0 */
/*
 * path_base: the part behind the last slash, where there is one.
 */
#include "tools/model/path_base.h"

#include <string.h>

const char *path_base(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash && slash[1] ? slash + 1 : path;
}
