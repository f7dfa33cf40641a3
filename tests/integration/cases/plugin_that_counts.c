/* SPDX-License-Identifier: Apache-2.0 */
/*
 * plugin_that_counts: what it takes, in its data; for binds_deeply_where_a_call_is_refused.
 */
#include <stdlib.h>

int taken_less_10 = -10; /* not 0, or it would lie on a page that comes later */

int take(void *block);

int take(void *block)
{
	free(block);
	return ++taken_less_10 + 10;
}
