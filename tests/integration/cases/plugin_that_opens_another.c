/* SPDX-License-Identifier: Apache-2.0 */
/*
 * plugin_that_opens_another: with RTLD_DEEPBIND, in its constructor, as which SECOND names it; for
 * opens_deeply_again.
 */
#include <dlfcn.h>
#include <stdlib.h>

void *second;

__attribute__((constructor)) static void open_second(void)
{
	void *volatile block = malloc(10);

	free(block);
	second = dlopen(getenv("SECOND"), RTLD_LAZY | RTLD_DEEPBIND);
}
