/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_address_text: addresses in a text become functions and lines, and all else stays.
 */
#include "tests/unit/tools/symbols_fixture.h"

#include "tools/symbols/address_text.h"

static const char source[] = "void *volatile sink;\n"
			     "static inline __attribute__((always_inline)) void inner(void)\n"
			     "{\n"
			     "\tsink = (void *)1; /* line 4 */\n"
			     "}\n"
			     "__attribute__((noinline)) void outer(void)\n"
			     "{\n"
			     "\tinner(); /* line 8 */\n"
			     "}\n"
			     "int main(void)\n"
			     "{\n"
			     "\touter();\n"
			     "\treturn 0;\n"
			     "}\n";

static int build(void **state)
{
	if (make_folder(state) != 0)
		return -1;
	write_file("a program.c", source);
	run("gcc -g -O1 -o 'a program' 'a program.c' && gcc -O1 -o bare 'a program.c'");
	write_file("text", "no ELF\n");
	return 0;
}

/* What becomes of a line; to be freed. */
static char *written(const char *line)
{
	struct address_text *text = address_text_new(NULL);
	char *result = NULL;
	size_t bytes;
	FILE *out = open_memstream(&result, &bytes);

	assert_true(address_text_write_line(text, out, line));
	/* The second time from what is known by then. */
	rewind(out);
	assert_true(address_text_write_line(text, out, line));
	fclose(out);
	address_text_free(text);
	return result;
}

static void check(const char *line, const char *expected)
{
	char *found = written(line);

	assert_string_equal(found, expected);
	free(found);
}

/* Of the instruction that stores, the last but the return of `outer`. */
static uint64_t address_in(const char *program)
{
	struct wanted_symbol wanted = {.name = "outer"};

	visit_symbols(path_of(program), take_wanted, &wanted);
	assert_true(wanted.address != 0);
	return wanted.address;
}

static void a_frame_and_what_is_inlined_in_it_are_named(void **state)
{
	char line[256], expected[1024], program[128];

	(void)state;
	strcpy(program, path_of("a program"));
	snprintf(line, sizeof(line), "  (%s+0x%lx) end\n", program,
		 (unsigned long)address_in("a program"));
	snprintf(expected, sizeof(expected), "  (inner %s.c:4 inlined\n  (outer %s.c:8) end\n",
		 program, program);
	check(line, expected);
}

static void without_debug_information_there_is_a_function_and_its_module(void **state)
{
	char line[256];

	(void)state;
	snprintf(line, sizeof(line), "at %.99s+0x%lx", path_of("bare"),
		 (unsigned long)address_in("bare"));
	check(line, "at outer (bare)");
}

static void a_path_may_begin_where_the_program_stands(void **state)
{
	unsigned long address = (unsigned long)address_in("bare");
	char line[256], folder[128], here[512];

	(void)state;
	strcpy(folder, path_of("."));
	assert_non_null(getcwd(here, sizeof(here)));
	assert_int_equal(chdir(folder), 0);
	snprintf(line, sizeof(line), "    ./bare+0x%lx\n", address);
	check(line, "    outer (bare)\n");
	snprintf(line, sizeof(line), "(./bare+0x%lx)", address);
	check(line, "(outer (bare))");
	/* A name alone is none. */
	snprintf(line, sizeof(line), "bare+0x%lx", address);
	check(line, line);
	assert_int_equal(chdir(here), 0);
}

static void what_is_not_known_stays(void **state)
{
	char line[256];

	(void)state;
	check("", "");
	check("nothing\n", "nothing\n");
	check("/no/such+0x12\n", "/no/such+0x12\n");
	check("+0x12", "+0x12");
	check("/+0x12", "/+0x12");
	check("a/b+0x1 /", "a/b+0x1 /");
	check("/bin/+0x", "/bin/+0x");
	snprintf(line, sizeof(line), "%.99s+0x12 /no/such+0xfffffffffffffffff\n", path_of("text"));
	check(line, line);
	snprintf(line, sizeof(line), "%.99s+0xffffffff\n", path_of("bare"));
	check(line, line);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_frame_and_what_is_inlined_in_it_are_named),
		cmocka_unit_test(without_debug_information_there_is_a_function_and_its_module),
		cmocka_unit_test(a_path_may_begin_where_the_program_stands),
		cmocka_unit_test(what_is_not_known_stays),
	};

	return cmocka_run_group_tests(tests, build, remove_folder);
}
