/* SPDX-License-Identifier: Apache-2.0 */
/* test_progress_line: nothing for quick work or without a terminal, one line otherwise. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <unistd.h>

#include "tools/symbols/progress_line.h"

#define SECOND_NS 1000000000ull

/* What a progress line of `age_ns` writes to `file` as stderr; then it ends. */
static void draw_on(int file, uint64_t age_ns, bool is_wanted)
{
	int kept = dup(STDERR_FILENO);
	dup2(file, STDERR_FILENO);
	struct progress_line line;
	progress_line_begin(&line, is_wanted);
	line.begin_ns -= age_ns;
	line.percent = 42;
	progress_line_tick(&line, "%s", "/usr/lib/libanything.so");
	/* On a busy machine the next tick may come late. */
	line.drawn_ns += line.is_drawn ? 3600 * SECOND_NS : 0;
	progress_line_tick(&line, "%s", "drawn too often");
	progress_line_end(&line);
	dup2(kept, STDERR_FILENO);
	close(kept);
}

static size_t read_what_is_there(int file, char *text, size_t bytes)
{
	fcntl(file, F_SETFL, O_NONBLOCK);
	ssize_t got = read(file, text, bytes - 1);
	text[got > 0 ? got : 0] = '\0';
	return strlen(text);
}

/* What is written to a terminal comes to its other end a moment later. */
static void await_end(int file, char *text, size_t bytes, const char *end)
{
	size_t length = 0;

	fcntl(file, F_SETFL, 0);
	text[0] = '\0';
	while (length + 1 < bytes &&
	       (length < strlen(end) || strcmp(text + length - strlen(end), end) != 0)) {
		struct pollfd readable = {.fd = file, .events = POLLIN};
		if (poll(&readable, 1, 10000) != 1)
			break;
		ssize_t got = read(file, text + length, bytes - 1 - length);
		if (got <= 0)
			break;
		length += (size_t)got;
		text[length] = '\0';
	}
}

static void draws_on_a_terminal_after_a_second_and_erases(void **state)
{
	(void)state;
	int terminal = posix_openpt(O_RDWR | O_NOCTTY);
	assert_true(terminal >= 0);
	assert_int_equal(grantpt(terminal), 0);
	assert_int_equal(unlockpt(terminal), 0);
	int file = open(ptsname(terminal), O_RDWR | O_NOCTTY);
	assert_true(file >= 0);

	char text[512];
	draw_on(file, 0, true);
	assert_int_equal(read_what_is_there(terminal, text, sizeof(text)), 0);
	draw_on(file, 2 * SECOND_NS, false);
	assert_int_equal(read_what_is_there(terminal, text, sizeof(text)), 0);
	draw_on(file, 2 * SECOND_NS, true);
	await_end(terminal, text, sizeof(text), "\r\033[K");
	assert_string_equal(text, "\rseep: reading symbols  42 %: /usr/lib/libanything.so\033[K"
				  "\r\033[K");
	close(file);
	close(terminal);
}

static void says_nothing_to_a_pipe(void **state)
{
	(void)state;
	int ends[2];
	char text[64];
	assert_int_equal(pipe(ends), 0);
	draw_on(ends[1], 2 * SECOND_NS, true);
	assert_int_equal(read_what_is_there(ends[0], text, sizeof(text)), 0);
	close(ends[0]);
	close(ends[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(draws_on_a_terminal_after_a_second_and_erases),
		cmocka_unit_test(says_nothing_to_a_pipe),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
