/* SPDX-License-Identifier: Apache-2.0 */
/*
 * loads_one_that_allocates_at_once: a plug-in one of whose functions is chosen when it is loaded, by code
 * that allocates: before the dynamic linker is done with it, and before its constructors.
 *
 * links: -ldl
 * plugin: library_with_late_choice.c
 * expect: lost_blocks=0 lost_cut_stacks=0
 * function choose_answer: live_blocks=1 live_bytes=77
 */
#include <dlfcn.h>
#include <stdlib.h>

int main(void)
{
	void *plugin = dlopen("./library_with_late_choice.so", RTLD_NOW);
	int (*answer)(void) = plugin ? (int (*)(void))dlsym(plugin, "late_answer") : NULL;

	return answer ? answer() != 42 : 2;
}
