/* SPDX-License-Identifier: Apache-2.0 */
/*
 * says_all_of_seep_h: calls all that seep.h offers, in what C of 1989 and C++ of 1998 have in common.
 * Ends with 1 where nobody is watching.
 */
#include "seep.h"
static void body(void *data)
{
	(void)data;
}
int main(void)
{
	long moment_is_zero;
	SEEP_SCOPE("main");
	moment_is_zero = seep_moment() == 0;
	if (seep_is_watching())
		seep_ignore(&moment_is_zero);
	seep_disable();
	seep_enable();
	seep_register_root_region(&moment_is_zero, sizeof(moment_is_zero));
	seep_unregister_root_region(&moment_is_zero, sizeof(moment_is_zero));
	return seep_snapshot("a") + seep_mark("b") + seep_scan(0) + (seep_check() != 0) +
	       (seep_check_since(0) != 0) + seep_findings()[0] +
	       (seep_require_no_growth(2, body, 0) != 0) + (int)moment_is_zero;
}
