/* SPDX-License-Identifier: Apache-2.0 */
/*
 * allocates_while_a_call_is_bound: the first call of a function goes through the dynamic linker,
 * which keeps where it came from in rbx while it asks the library which implementation to take; and
 * that allocates.
 *
 * build: -O0 -Wl,-z,lazy; -O2 -Wl,-z,lazy
 * library: library_with_late_choice.c
 * site choose_answer: live_blocks=1 live_bytes=77
 * stack choose_answer: choose_answer < … < calls_late@first < main
 * expect: lost_cut_stacks=0
 */
int late_answer(void);

__attribute__((noinline, noclone)) static int calls_late(int by)
{
	return late_answer() + by; /* first */
}

int main(void)
{
	volatile int result = calls_late(-42);

	return result;
}
