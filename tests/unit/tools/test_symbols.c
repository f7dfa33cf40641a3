/* SPDX-License-Identifier: Apache-2.0 */
/* test_symbols: the stacks of a report, with the names of real programs. */
#include "tests/unit/tools/symbols_fixture.h"

#include "tools/model/holders.h"
#include "tools/model/scan.h"

static void walks_from_the_program_outwards(void **state)
{
	(void)state;
	struct made_run made;
	run_begin(&made);
	uint32_t program = run_add_module(&made, path_of("program"), 0);
	uint32_t libseep = run_add_module(&made, "/usr/lib/libseep.so", SEEP_MODULE_IS_LIBSEEP);
	uint64_t visible_address = address_of(path_of("program"), "visible");
	uint32_t outer = run_add_call(&made, 0, program, address_of(path_of("program"), "main"));
	uint32_t middle = run_add_call(&made, outer, program, visible_address);
	uint32_t inner = run_add_call(&made, middle, libseep, 0x100);
	uint32_t innermost = run_add_call(&made, inner, libseep, 0x200);
	run_add_site(&made, innermost);
	uint32_t callback = run_add_call(&made, innermost, program, visible_address);
	run_add_site(&made, callback);
	struct symbols *symbols = make_symbols(NULL);
	run_resolve(&made, symbols);

	const struct report_site *site = run_site(&made, innermost);
	assert_int_equal(site->frame_count, 2);
	assert_string_equal(site->frames[0].function, "visible");
	assert_string_equal(site->frames[1].function, "main");
	assert_int_equal(strlen(site->id), 16);
	/* Also where another allocator lies under libseep's door. */
	assert_int_equal(run_site(&made, callback)->frame_count, 3);
	symbols_free(symbols);
	run_end(&made);
}

static void says_what_pseudo_addresses_mean(void **state)
{
	(void)state;
	static const struct {
		uint64_t pc;
		const char *text;
	} examples[] = {
		{SEEP_PC_MMAP, "[mmap]"},
		{SEEP_PC_BRK, "[brk]"},
		{SEEP_PC_CUT, "[deeper frames cut]"},
		{SEEP_PC_NESTED, "[allocated in a signal handler while seep was busy]"},
		{SEEP_PC_NO_ROOM, "[call tree full]"},
		{SEEP_PC_SIGNAL, "[signal]"},
		{99, "[unknown]"},
	};
	size_t count = sizeof(examples) / sizeof(examples[0]);
	struct made_run made;
	run_begin(&made);
	run_add_site(&made, 0);
	for (size_t i = 0; i < count; i++)
		run_add_site(&made, run_add_node(&made, 0, PROFILE_NO_MODULE, examples[i].pc));
	uint32_t generated = run_add_node(&made, 0, PROFILE_NO_MODULE, 0x7f0000001234);
	run_add_site(&made, generated);
	struct symbols *symbols = make_symbols(NULL);
	run_resolve(&made, symbols);

	for (size_t i = 0; i < count; i++) {
		const struct report_site *site = run_site(&made, (uint32_t)i + 1);
		assert_int_equal(site->frame_count, 1);
		assert_true(site->frames[0].is_pseudo);
		assert_string_equal(site->frames[0].function, examples[i].text);
		assert_null(site->frames[0].module);
	}
	assert_string_equal(run_site(&made, 0)->frames[0].function, "[no stack]");
	const struct report_site *site = run_site(&made, generated);
	assert_int_equal(site->frame_count, 1);
	assert_false(site->frames[0].is_pseudo);
	assert_null(site->frames[0].function);
	assert_null(site->frames[0].module);
	assert_int_equal(site->frames[0].offset, 0x7f0000001234);
	symbols_free(symbols);
	run_end(&made);
}

/* A return address may be the first byte of the next function; an interrupted one never is. */
static void looks_up_the_call_but_the_interrupted_instruction_itself(void **state)
{
	(void)state;
	struct made_run made;
	run_begin(&made);
	uint32_t program = run_add_module(&made, path_of("program"), 0);
	uint64_t start = address_of(path_of("program"), "visible");
	uint32_t interrupted = run_add_node(&made, 0, program, LOAD_BIAS + start);
	uint32_t signal = run_add_node(&made, interrupted, PROFILE_NO_MODULE, SEEP_PC_SIGNAL);
	uint32_t handler = run_add_node(&made, signal, program, LOAD_BIAS + start);
	run_add_site(&made, handler);
	struct symbols *symbols = make_symbols(NULL);
	run_resolve(&made, symbols);

	const struct report_site *site = run_site(&made, handler);
	assert_string_equal(site->frames[site->frame_count - 1].function, "visible");
	assert_int_equal(site->frames[site->frame_count - 1].offset, start);
	assert_true(site->frames[site->frame_count - 2].is_pseudo);
	assert_true(!site->frames[0].function || strcmp(site->frames[0].function, "visible") != 0);
	assert_int_equal(site->frames[0].offset, start);
	symbols_free(symbols);
	run_end(&made);
}

static void marks_only_the_innermost_wrappers(void **state)
{
	(void)state;
	write_file("wrapped.c", "#include <stdlib.h>\n"
				"void *xmalloc(int n) { return malloc(n); }\n"
				"void *xstrdup(int n) { return xmalloc(n); }\n"
				"int main(void) { return xstrdup(1) == 0; }\n");
	run("cc -O0 -g wrapped.c -o wrapped");
	char path[256];
	snprintf(path, sizeof(path), "%s/wrapped", fixture_folder);
	struct made_run made;
	run_begin(&made);
	uint32_t module = run_add_module(&made, path, 0);
	uint32_t only = run_add_call(&made, 0, module, address_of(path, "xmalloc"));
	run_add_site(&made, only);
	uint32_t main_node = run_add_call(&made, only, module, address_of(path, "main"));
	uint32_t outer = run_add_call(&made, main_node, module, address_of(path, "xstrdup"));
	uint32_t inner = run_add_call(&made, outer, module, address_of(path, "xmalloc"));
	uint32_t mapped = run_add_node(&made, inner, PROFILE_NO_MODULE, SEEP_PC_MMAP);
	run_add_site(&made, mapped);
	struct symbols *symbols = make_symbols(NULL);
	run_resolve(&made, symbols);

	const struct report_site *site = run_site(&made, mapped);
	assert_int_equal(site->frame_count, 5);
	static const bool expected[] = {false, true, true, false, false};
	for (size_t i = 0; i < 5; i++)
		assert_int_equal(site->frames[i].is_wrapper, expected[i]);
	/* Something must remain to begin the stack with. */
	assert_false(run_site(&made, only)->frames[0].is_wrapper);
	symbols_free(symbols);
	run_end(&made);
}

static void a_stack_that_frees_is_shown_from_who_ends_the_object(void **state)
{
	(void)state;
	write_file("ends.cc",
		   "#include <memory>\n"
		   "struct Session { char *name; Session() : name(new char[9]) {}\n"
		   "	~Session(); };\n"
		   "Session::~Session() { delete[] name; }\n"
		   "void close_session(Session *s) { std::unique_ptr<Session> owner(s); }\n"
		   "int main() { close_session(new Session); }\n");
	run("c++ -O0 -g ends.cc -o ends");
	char path[256];
	snprintf(path, sizeof(path), "%s/ends", fixture_folder);
	struct made_run made;
	run_begin(&made);
	uint32_t module = run_add_module(&made, path, 0);
	uint32_t main_node = run_add_call(&made, 0, module, address_of(path, "main"));
	uint32_t closes = run_add_call(&made, main_node, module,
				       address_of(path, "_Z13close_sessionP7Session"));
	uint32_t owner = run_add_call(
		&made, closes, module,
		address_of(path, "_ZNSt10unique_ptrI7SessionSt14default_deleteIS0_EED1Ev"));
	uint32_t ends = run_add_call(&made, owner, module, address_of(path, "_ZN7SessionD1Ev"));
	run_add_site(&made, main_node);
	struct free_pair pairs[] = {
		{main_node, closes, 30}, {main_node, main_node, 20}, {main_node, ends, 10}};
	struct free_samples samples = {.pairs = pairs, .pair_count = 3};
	made.profile.frees = &samples;
	struct symbols *symbols = make_symbols(NULL);
	run_resolve(&made, symbols);

	const struct freer_list *list = &run_site(&made, main_node)->freed_by;
	assert_int_equal(list->count, 3);
	const struct freer *freer = &list->freers[2];
	assert_int_equal(freer->stack, ends);
	assert_int_equal(freer->frame_count, 4);
	assert_string_equal(freer->frames[0].function, "Session::~Session()");
	assert_true(freer->frames[0].is_destructor);
	assert_true(freer->frames[1].is_wrapper);
	assert_string_equal(freer->frames[2].function, "close_session(Session*)");
	assert_false(freer->frames[2].is_wrapper || freer->frames[2].is_destructor);
	symbols_free(symbols);
	run_end(&made);
}

/* A table of the program's own behind a wrapper, from an element of an array on; and a thread. */
static void names_who_holds_the_blocks(void **state)
{
	(void)state;
	write_file("holds.c", "#include <stdlib.h>\n"
			      "struct { int size; void **slots[7]; } g_table;\n"
			      "void *xmalloc(int n) { return malloc(n); }\n"
			      "void *hash_grow(int n) { return xmalloc(n); }\n"
			      "void *worker(int n) { return hash_grow(n); }\n"
			      "int main(void) { return worker(1) == g_table.slots[1]; }\n");
	run("cc -O0 -g holds.c -o holds");
	char path[256];
	snprintf(path, sizeof(path), "%s/holds", fixture_folder);
	struct made_run made;
	run_begin(&made);
	uint32_t module = run_add_module(&made, path, SEEP_MODULE_IS_EXECUTABLE);
	uint32_t main_node = run_add_call(&made, 0, module, address_of(path, "main"));
	uint32_t grow = run_add_call(&made, main_node, module, address_of(path, "hash_grow"));
	uint32_t table = run_add_call(&made, grow, module, address_of(path, "xmalloc"));
	run_add_site(&made, main_node);

	struct holder_root roots[] = {
		{.kind = SEEP_ROOT_MODULE,
		 .module = module,
		 .address = LOAD_BIAS + address_of(path, "g_table") + 24,
		 .name = ""},
		{.kind = SEEP_ROOT_STACK,
		 .module = PROFILE_NO_MODULE,
		 .pc_module = module,
		 .pc = LOAD_BIAS + address_of(path, "worker") + 1,
		 .thread = 4711,
		 .name = ""},
		{.kind = SEEP_ROOT_STACK, .module = PROFILE_NO_MODULE, .name = ""},
	};
	struct holder_step steps[] = {{.stack = table, .count = 1}};
	struct holder_path paths[] = {
		{.stack = main_node, .root = 0, .blocks = 5, .steps = steps, .step_count = 1},
		{.stack = main_node, .root = 1, .blocks = 4},
		{.stack = main_node, .root = 2, .blocks = 1},
	};
	struct holders holders = {.raw = {.snapshot = 1},
				  .roots = roots,
				  .root_count = 3,
				  .paths = paths,
				  .path_count = 3};
	struct scan scan = {.raw = {.snapshot = 1}};
	made.profile.holders = &holders;
	made.profile.scan = &scan;
	struct symbols *symbols = make_symbols(NULL);
	run_resolve(&made, symbols);

	const struct holder_shapes *held_by = &run_site(&made, main_node)->held_by;
	assert_int_equal(held_by->count, 3);
	const struct holder_place *places = made.report->holder_places;
	assert_string_equal(places[0].name, "g_table.slots[…]");
	assert_string_equal(strrchr(places[0].file, '/') ? strrchr(places[0].file, '/') + 1
						     : places[0].file, "holds.c");
	assert_string_equal(held_by->shapes[0].steps[0].frame->function, "hash_grow");
	assert_string_equal(places[1].frame->function, "worker");
	assert_int_equal(places[1].frame->line, 5);
	assert_null(places[2].frame);
	symbols_free(symbols);

	/* The same places where nothing is looked up. */
	struct symbols_options options = {.has_modules_only = true};
	symbols = symbols_new(&options);
	run_resolve(&made, symbols);
	assert_null(made.report->holder_places[0].name);
	assert_non_null(run_site(&made, main_node)->held_by.shapes[0].steps[0].frame);
	symbols_free(symbols);
	run_end(&made);
}

/* With debug information and without; what is not mangled has no other name. */
static void keeps_what_the_linker_calls_a_function(void **state)
{
	(void)state;
	write_file("mangled.cc", "#include <cstdlib>\n"
				 "namespace net { void *take(unsigned n) { return malloc(n); } }\n"
				 "extern \"C\" void *plain(unsigned n) { return net::take(n); }\n"
				 "int main() { free(plain(1)); return 0; }\n");
	run("g++ -O0 -g mangled.cc -o mangled && strip -g -o mangled-bare mangled");
	for (int is_bare = 0; is_bare < 2; is_bare++) {
		const char *path = path_of(is_bare ? "mangled-bare" : "mangled");
		struct made_run made;
		run_begin(&made);
		uint32_t module = run_add_module(&made, path, SEEP_MODULE_IS_EXECUTABLE);
		uint32_t outer = run_add_call(&made, 0, module, address_of(path, "plain") + 8);
		uint32_t inner = run_add_call(&made, outer, module,
					      address_of(path, "_ZN3net4takeEj") + 8);
		run_add_site(&made, inner);
		struct symbols *symbols = make_symbols(NULL);
		run_resolve(&made, symbols);
		const struct report_site *site = run_site(&made, inner);
		assert_int_equal(site->frame_count, 2);
		assert_non_null(strstr(site->frames[0].function, "net::take"));
		assert_string_equal(site->frames[0].linkage_name, "_ZN3net4takeEj");
		assert_string_equal(site->frames[1].function, "plain");
		assert_null(site->frames[1].linkage_name);
		symbols_free(symbols);
		run_end(&made);
	}
}

/* As glibc does: __internal in the source, an asm label, and an alias for the public. */
static void prefers_the_public_name_of_c_functions(void **state)
{
	(void)state;
	write_file("library.c",
		   "extern __typeof(int (int)) __copy __asm__(\"__GI___copy\");\n"
		   "int __copy(int n) { return n + 1; }\n"
		   "extern __typeof(__copy) copy __attribute__((alias(\"__GI___copy\")));\n"
		   "int _private(int n) { return n + 2; }\n");
	run("cc -O1 -g -fPIC -shared library.c -o library.so");
	run("cp library.so bare-library.so && strip bare-library.so");
	for (int is_stripped = 0; is_stripped < 2; is_stripped++) {
		char path[256];
		snprintf(path, sizeof(path), "%s/%slibrary.so", fixture_folder,
			 is_stripped ? "bare-" : "");
		struct made_run made;
		run_begin(&made);
		uint32_t module = run_add_module(&made, path, 0);
		uint32_t stack = run_add_call(&made, 0, module, address_of(path, "copy") + 1);
		stack = run_add_call(&made, stack, module, address_of(path, "_private") + 1);
		run_add_site(&made, stack);
		struct symbols *symbols = make_symbols(NULL);
		run_resolve(&made, symbols);
		assert_string_equal(run_site(&made, stack)->frames[0].function, "_private");
		assert_string_equal(run_site(&made, stack)->frames[1].function, "copy");
		assert_int_equal(run_site(&made, stack)->frames[1].line > 0, !is_stripped);
		symbols_free(symbols);
		run_end(&made);
	}
}

static void survives_hostile_trees(void **state)
{
	(void)state;
	struct made_run made;
	run_begin(&made);
	uint32_t module = run_add_module(&made, path_of("program"), 0);
	made.modules[module].load_bias = UINT64_MAX - 5;
	uint32_t stack = 0;
	for (int i = 0; i < 10000; i++)
		stack = run_add_node(&made, stack, i % 2 ? module : 77, 0x1000 + (uint64_t)i % 7);
	run_add_site(&made, stack);
	uint32_t loop = run_add_node(&made, 0, module, UINT64_MAX);
	made.profile.nodes[loop].parent = loop;
	run_add_site(&made, loop);
	run_add_site(&made, 4000000000u);
	struct symbols *symbols = make_symbols(NULL);
	run_resolve(&made, symbols);
	const struct report_site *site = run_site(&made, stack);
	assert_int_equal(site->frame_count, 4097);
	assert_string_equal(site->frames[4096].function, "[deeper frames cut]");
	assert_int_equal(run_site(&made, loop)->frame_count, 1);
	assert_string_equal(run_site(&made, 4000000000u)->frames[0].function, "[no stack]");
	symbols_free(symbols);
	run_end(&made);
}

static void serves_a_second_report_from_what_it_knows(void **state)
{
	(void)state;
	struct made_run first, second;
	struct symbols *symbols = make_symbols(NULL);
	uint64_t address = address_of(path_of("program"), "visible");
	struct made_run *runs[] = {&first, &second};
	for (int i = 0; i < 2; i++) {
		run_begin(runs[i]);
		uint32_t module = run_add_module(runs[i], path_of("program"), 0);
		run_add_site(runs[i], run_add_call(runs[i], 0, module, address));
		run_resolve(runs[i], symbols);
	}
	run_end(&first); /* takes the first report's texts with it */
	assert_string_equal(run_site(&second, 1)->frames[0].function, "visible");
	symbols_free(symbols);
	assert_string_equal(run_site(&second, 1)->frames[0].function, "visible");
	assert_true(strstr(run_site(&second, 1)->frames[0].file, "/program.c") != NULL);
	run_end(&second);
}

static void looks_nothing_up_when_told_so(void **state)
{
	(void)state;
	struct made_run made;
	run_begin(&made);
	uint32_t module = run_add_module(&made, path_of("program"), 0);
	uint32_t gone = run_add_module(&made, "/gone/module", 0);
	uint32_t stack = run_add_call(&made, 0, module, 0x100);
	stack = run_add_call(&made, stack, gone, 0x200);
	run_add_site(&made, stack);
	struct symbols_options options = {.has_modules_only = true};
	struct symbols *symbols = symbols_new(&options);
	run_resolve(&made, symbols);
	const struct report_site *site = run_site(&made, stack);
	assert_int_equal(site->frame_count, 2);
	assert_null(site->frames[1].function);
	assert_string_equal(site->frames[1].module, path_of("program"));
	assert_int_equal(site->frames[1].offset, 0x101);
	assert_null(symbols_notes(symbols)[0]);
	symbols_free(symbols);
	run_end(&made);
}

int main(void)
{
	unsetenv("DEBUGINFOD_URLS");
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(walks_from_the_program_outwards),
		cmocka_unit_test(says_what_pseudo_addresses_mean),
		cmocka_unit_test(looks_up_the_call_but_the_interrupted_instruction_itself),
		cmocka_unit_test(marks_only_the_innermost_wrappers),
		cmocka_unit_test(a_stack_that_frees_is_shown_from_who_ends_the_object),
		cmocka_unit_test(names_who_holds_the_blocks),
		cmocka_unit_test(keeps_what_the_linker_calls_a_function),
		cmocka_unit_test(prefers_the_public_name_of_c_functions),
		cmocka_unit_test(survives_hostile_trees),
		cmocka_unit_test(serves_a_second_report_from_what_it_knows),
		cmocka_unit_test(looks_nothing_up_when_told_so),
	};
	return cmocka_run_group_tests(tests, compile_program, remove_folder);
}
