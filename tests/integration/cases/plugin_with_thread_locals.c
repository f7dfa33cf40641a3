/* SPDX-License-Identifier: Apache-2.0 */
/*
 * plugin_with_thread_locals: variables of each thread, in memory that the dynamic linker asks for
 * when a thread uses them for the first time. For keeps_in_thread_locals_of_a_plugin and its twin.
 */
static __thread void *slots[1000];

void **plugin_slots(void)
{
	return slots;
}
