/* SPDX-License-Identifier: Apache-2.0 */
/*
 * replay: runs a target over files that are there, without a fuzzer.
 *
 *     TARGET [--changes=N] [--seed=N] FILE|FOLDER...
 *
 * Each input is run as it is, and then N times changed, by the target's own mutator where it has one. With
 * a failure the input is left in the file `failed_TARGET` of the working folder. An input that takes longer than
 * TIMEOUT_S fails, too. This is what `make check` runs, with any compiler that has sanitizers.
 */
#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/fuzz/fuzz_target.h"

#define TIMEOUT_S 20
#define INPUT_MAX_BYTES (1u << 20)
#define INPUT_GROWTH_BYTES 4096u

/* Memory out of proportion is a failure. What is freed is not kept long, for the sum is limited, too. */
extern const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
	return "max_allocation_size_mb=256:hard_rss_limit_mb=1024:quarantine_size_mb=16:"
	       "detect_leaks=1:handle_abort=1";
}
extern const char *__ubsan_default_options(void);
const char *__ubsan_default_options(void)
{
	return "print_stacktrace=1";
}

/* Weak: a build without sanitizers has none. */
extern void __sanitizer_set_death_callback(void (*)(void)) __attribute__((weak));

static const char *target = "target", *path = "";
static unsigned long changes, seed = 1;
static uint8_t *current;
static size_t current_bytes, input_count;
static int report_fd; /* the real stdout: targets replace theirs */

static void keep_failed(void)
{
	char name[128];

	snprintf(name, sizeof(name), "failed_%s", target);
	int fd = open(name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
	if (fd >= 0 && write(fd, current, current_bytes) == (ssize_t)current_bytes)
		dprintf(STDERR_FILENO, "%s: input in %s, from %s, seed %lu\n", target, name, path,
			seed);
	if (fd >= 0)
		close(fd);
}

static void on_alarm(int number)
{
	(void)number;
	dprintf(STDERR_FILENO, "%s: more than %d s\n", target, TIMEOUT_S);
	keep_failed();
	_exit(1);
}

/* xorshift64*; the driver's own, so that a seed means the same everywhere. */
static uint64_t next_random(void)
{
	static uint64_t state;

	if (state == 0)
		state = seed * 0x9e3779b97f4a7c15u | 1;
	state ^= state >> 12;
	state ^= state << 25;
	state ^= state >> 27;
	return state * 0x2545f4914f6cdd1du;
}

size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max_size)
{
	static const uint64_t values[] = {0,
					  1,
					  0x7f,
					  0x80,
					  0xff,
					  0xffff,
					  0x7fffffff,
					  0x80000000,
					  UINT32_MAX,
					  INT64_MAX,
					  (uint64_t)INT64_MAX + 1,
					  UINT64_MAX};
	size_t at = size ? next_random() % size : 0, bytes;
	uint64_t value = values[next_random() % (sizeof(values) / sizeof(*values))];

	switch (size ? next_random() % 6 : 5) {
	case 0:
		data[at] ^= (uint8_t)(1u << next_random() % 8);
		return size;
	case 1:
		data[at] = (uint8_t)next_random();
		return size;
	case 2: /* a number */
		bytes = (size_t)1 << next_random() % 4;
		at -= at % bytes;
		if (bytes <= size - at)
			memcpy(data + at, &value, bytes);
		return size;
	case 3: /* from somewhere else */
		bytes = next_random() % (size - at) + 1;
		memmove(data + at, data + next_random() % (size - bytes + 1), bytes);
		return size;
	case 4: /* less */
		bytes = next_random() % (size - at) + 1;
		if (bytes == size)
			return size;
		memmove(data + at, data + at + bytes, size - at - bytes);
		return size - bytes;
	default: /* more */
		bytes = next_random() % 16 + 1;
		if (bytes > max_size - size)
			return size;
		memmove(data + at + bytes, data + at, size - at);
		for (size_t i = 0; i < bytes; i++)
			data[at + i] = (uint8_t)next_random();
		return size + bytes;
	}
}

static void run_current(void)
{
	/* With an end, so that reading over it is seen. */
	uint8_t *input = malloc(current_bytes);

	if (current_bytes)
		memcpy(input, current, current_bytes);
	alarm(TIMEOUT_S);
	LLVMFuzzerTestOneInput(input, current_bytes);
	alarm(0);
	free(input);
	input_count++;
}

static void run_file(const char *name)
{
	int fd = open(name, O_RDONLY | O_CLOEXEC);
	size_t room = INPUT_MAX_BYTES + INPUT_GROWTH_BYTES;
	uint8_t *original = malloc(INPUT_MAX_BYTES);
	ssize_t bytes = fd < 0 ? -1 : read(fd, original, INPUT_MAX_BYTES);

	if (bytes < 0) {
		dprintf(STDERR_FILENO, "%s: cannot read %s\n", target, name);
		exit(1);
	}
	close(fd);
	path = name;
	current = malloc(room);
	memcpy(current, original, (size_t)bytes);
	current_bytes = (size_t)bytes;
	run_current();
	for (unsigned long i = 0; i < changes; i++) {
		size_t most = (size_t)bytes + INPUT_GROWTH_BYTES;

		/* Again and again of the same one it becomes noise. */
		if (i % 8 == 0) {
			memcpy(current, original, (size_t)bytes);
			current_bytes = (size_t)bytes;
		}
		current_bytes = LLVMFuzzerCustomMutator
					? LLVMFuzzerCustomMutator(current, current_bytes, most,
								  (unsigned)next_random())
					: LLVMFuzzerMutate(current, current_bytes, most);
		run_current();
	}
	free(current);
	free(original);
	current = NULL;
	current_bytes = 0;
}

static int is_visible(const struct dirent *entry)
{
	return entry->d_name[0] != '.';
}

static void run_path(const char *name)
{
	struct dirent **entries;
	struct stat status;

	if (stat(name, &status) != 0 || !S_ISDIR(status.st_mode)) {
		run_file(name);
		return;
	}
	int count = scandir(name, &entries, is_visible, alphasort);
	for (int i = 0; i < count; i++) {
		char *file;

		if (asprintf(&file, "%s/%s", name, entries[i]->d_name) > 0)
			run_path(file);
		free(file);
		free(entries[i]);
	}
	if (count >= 0)
		free(entries);
}

int main(int argc, char **argv)
{
	target = strrchr(argv[0], '/') ? strrchr(argv[0], '/') + 1 : argv[0];
	report_fd = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 100);
	signal(SIGALRM, on_alarm);
	if (__sanitizer_set_death_callback)
		__sanitizer_set_death_callback(keep_failed);
	if (LLVMFuzzerInitialize)
		LLVMFuzzerInitialize(&argc, &argv);
	for (int i = 1; i < argc; i++) {
		if (sscanf(argv[i], "--changes=%lu", &changes) == 1 ||
		    sscanf(argv[i], "--seed=%lu", &seed) == 1)
			continue;
		run_path(argv[i]);
	}
	dprintf(report_fd, "%s: %zu inputs, seed %lu\n", target, input_count, seed);
	return input_count ? 0 : 1;
}
