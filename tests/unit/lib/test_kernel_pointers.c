/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_kernel_pointers: what this process has given to epolls and timers is read back.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <linux/io_uring.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "lib/scan/kernel_pointers.h"

#define MANY 200u /* more than a piece of the file has room for */
#define FIRST 0x7f0012345600ull
#define OF_TIMER 0x55aabbccdd10ull

static struct scan_memory memory = {.limit = 1 << 20};

static uint32_t count_words(const struct buffer *words, uint64_t wanted)
{
	uint32_t count = 0;

	for (size_t i = 0; i < words->bytes / sizeof(uint64_t); i++)
		count += ((const uint64_t *)words->start)[i] == wanted;
	return count;
}

static void reads_what_epolls_give_back(void **state)
{
	int epoll = epoll_create1(0), ends[2];
	struct kernel_pointers pointers;
	struct root_list roots = {0};
	struct epoll_event event = {.events = EPOLLIN};
	int fds[MANY];

	(void)state;
	assert_int_equal(pipe(ends), 0);
	for (uint32_t i = 0; i < MANY; i++) {
		event.data.u64 = FIRST + 16 * i;
		fds[i] = dup(ends[0]);
		assert_int_equal(epoll_ctl(epoll, EPOLL_CTL_ADD, fds[i], &event), 0);
	}
	kernel_pointers_read(&pointers, (uint32_t)getpid());
	assert_int_equal(pointers.epoll.bytes, MANY * sizeof(uint64_t));
	for (uint32_t i = 0; i < MANY; i++)
		assert_int_equal(count_words(&pointers.epoll, FIRST + 16 * i), 1);
	kernel_pointers_add(&pointers, &memory, &roots);
	assert_int_equal(roots.count, 1);
	assert_int_equal(roots.roots[0].kind, SEEP_ROOT_KERNEL);
	assert_string_equal(roots.roots[0].name, "epoll");
	root_list_release(&roots, &memory);
	kernel_pointers_release(&pointers);
	close(epoll);
	kernel_pointers_read(&pointers, (uint32_t)getpid());
	assert_int_equal(pointers.epoll.bytes, 0);
	kernel_pointers_release(&pointers);
	for (uint32_t i = 0; i < MANY; i++)
		close(fds[i]);
	close(ends[0]);
	close(ends[1]);
}

static void reads_what_timers_give_back(void **state)
{
	struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1};
	struct kernel_pointers pointers;
	timer_t timer;

	(void)state;
	event.sigev_value.sival_ptr = (void *)OF_TIMER;
	if (timer_create(CLOCK_MONOTONIC, &event, &timer) != 0)
		fail_msg("no timer can be made");
	kernel_pointers_read(&pointers, (uint32_t)getpid());
	assert_int_equal(count_words(&pointers.timers, OF_TIMER), 1);
	kernel_pointers_release(&pointers);
	timer_delete(timer);
}

static void an_io_uring_may_hold_what_nobody_sees(void **state)
{
	struct io_uring_params parameters = {.flags = 0};
	struct kernel_pointers pointers;
	long ring;

	(void)state;
	kernel_pointers_read(&pointers, (uint32_t)getpid());
	assert_false(pointers.is_blind);
	kernel_pointers_release(&pointers);
	ring = syscall(SYS_io_uring_setup, 4, &parameters);
	if (ring < 0) {
		print_message("no io_uring can be made here\n");
		skip();
	}
	kernel_pointers_read(&pointers, (uint32_t)getpid());
	assert_true(pointers.is_blind);
	assert_false(pointers.is_closed);
	kernel_pointers_release(&pointers);
	close((int)ring);
}

static void a_process_that_is_gone_has_none(void **state)
{
	struct kernel_pointers pointers;

	(void)state;
	kernel_pointers_read(&pointers, 1u << 30);
	assert_int_equal(pointers.epoll.bytes + pointers.timers.bytes, 0);
	assert_true(pointers.is_blind);
	assert_true(pointers.is_closed);
	kernel_pointers_release(&pointers);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_what_epolls_give_back),
		cmocka_unit_test(reads_what_timers_give_back),
		cmocka_unit_test(an_io_uring_may_hold_what_nobody_sees),
		cmocka_unit_test(a_process_that_is_gone_has_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
