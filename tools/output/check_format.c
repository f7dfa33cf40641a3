/* SPDX-License-Identifier: Apache-2.0 */
/* check_format: all formats of seep check, in the order of CHECK_FORMATS. */
#include "tools/output/check_format.h"

const struct check_format *const check_formats[] = {
	&check_format_text,   &check_format_json,   &check_format_junit,    &check_format_sarif,
	&check_format_github, &check_format_gitlab, &check_format_valgrind,
};
