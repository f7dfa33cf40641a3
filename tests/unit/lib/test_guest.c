/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_guest: no object of the library but the doors refers to what a guest must not call.
 *
 * The doors in lib/interpose/ find the real allocator; tests/abi/ lists what they take.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

/* Not only the allocator: whatever allocates, locks, formats or ends the program by itself. */
static const char *const forbidden[] = {
	"malloc",
	"calloc",
	"realloc",
	"reallocarray",
	"free",
	"cfree",
	"memalign",
	"aligned_alloc",
	"posix_memalign",
	"valloc",
	"pvalloc",
	"strdup",
	"strndup",
	"asprintf",
	"vasprintf",
	"getline",
	"getdelim",
	"open_memstream",
	"printf",
	"fprintf",
	"sprintf",
	"snprintf",
	"vsnprintf",
	"dprintf",
	"puts",
	"perror",
	"fopen",
	"fclose",
	"fread",
	"fwrite",
	"opendir",
	"readdir",
	"getenv",
	"setenv",
	"putenv",
	"strerror",
	"qsort",
	"tsearch",
	"pthread_create",
	"pthread_mutex_lock",
	"pthread_once",
	"pthread_key_create",
	"exit",
	"abort",
	"atexit",
	"signal",
	"sigaction",
	"fork",
	"system",
	"popen",
	"__stack_chk_fail",
	"__tls_get_addr",
	"_Unwind_Backtrace",
	"backtrace",
};

static void refers_to_nothing_that_a_guest_must_not_call(void **state)
{
	FILE *symbols = popen("nm -A -u " LIB_OBJECTS, "r");
	int objects_seen = 0, found = 0;
	char line[4096], name[256];

	(void)state;
	assert_non_null(symbols);
	while (fgets(line, sizeof(line), symbols)) {
		const char *mark = strstr(line, " U ");

		if (!mark || sscanf(mark, " U %255[^@\n]", name) != 1)
			continue;
		objects_seen++;
		for (size_t i = 0; i < sizeof(forbidden) / sizeof(forbidden[0]); i++) {
			size_t bytes = strlen(forbidden[i]);

			/* The fortified twin is called __NAME_chk. */
			if (strcmp(name, forbidden[i]) == 0 ||
			    (strncmp(name, "__", 2) == 0 &&
			     strncmp(name + 2, forbidden[i], bytes) == 0 &&
			     strcmp(name + 2 + bytes, "_chk") == 0)) {
				print_error("%s", line);
				found++;
			}
		}
	}
	assert_int_equal(pclose(symbols), 0);
	assert_true(objects_seen > 100);
	assert_int_equal(found, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(refers_to_nothing_that_a_guest_must_not_call),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
