/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_process_facts: memory that is pinned for a device is known to be.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <linux/io_uring.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "lib/snapshot/process_facts.h"

#define PINNED_BYTES (1u << 20)

/* An io_uring pins the buffers that are registered with it, as a network card does. */
static void knows_whether_memory_is_pinned(void **state)
{
	struct io_uring_params parameters;
	struct iovec buffer = {.iov_len = PINNED_BYTES};
	int ring;

	(void)state;
	assert_false(process_pins_memory());
	memset(&parameters, 0, sizeof(parameters));
	ring = (int)syscall(SYS_io_uring_setup, 4, &parameters);
	if (ring < 0) {
		print_message("SKIPPED: this kernel makes no io_uring\n");
		skip();
	}
	buffer.iov_base = mmap(NULL, PINNED_BYTES, PROT_READ | PROT_WRITE,
			       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	assert_ptr_not_equal(buffer.iov_base, MAP_FAILED);
	assert_int_equal(syscall(SYS_io_uring_register, ring, IORING_REGISTER_BUFFERS, &buffer, 1),
			 0);
	assert_true(process_pins_memory());
	close(ring);
	munmap(buffer.iov_base, PINNED_BYTES);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(knows_whether_memory_is_pinned)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
