/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_module_debug: debug information is found wherever it lies, and files that are not what ran are not
 * believed.
 */
#include "tests/unit/tools/symbols_fixture.h"

#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>

/* The site of one call in `visible` is resolved with its file and line. */
static bool is_visible_resolved(const char *path, uint64_t address, const char *debug_path,
				const char *remembered_as, struct symbols **kept)
{
	struct made_run made;
	run_begin(&made);
	uint32_t module = run_add_module(&made, path, 0);
	if (remembered_as) {
		free(made.modules[module].path);
		made.modules[module].path = strdup(remembered_as);
	}
	uint32_t stack = run_add_call(&made, 0, module, address);
	run_add_site(&made, stack);
	struct symbols *symbols = make_symbols(debug_path);
	run_resolve(&made, symbols);
	const struct frame *frame = &run_site(&made, stack)->frames[0];
	bool is_resolved = frame->function && strcmp(frame->function, "visible") == 0 &&
			   frame->file && strstr(frame->file, "/program.c") && frame->line >= 17;
	run_end(&made);
	if (kept)
		*kept = symbols;
	else
		symbols_free(symbols);
	return is_resolved;
}

static void follows_a_debug_link(void **state)
{
	(void)state;
	run("mkdir -p linked && objcopy --only-keep-debug program linked/program.dbg");
	run("cp program linked/p && strip linked/p");
	run("cd linked && objcopy --add-gnu-debuglink=program.dbg p");
	uint64_t address = address_of(path_of("program"), "visible");
	assert_true(is_visible_resolved(path_of("linked/p"), address, NULL, NULL, NULL));
	run("mkdir linked/.debug && mv linked/program.dbg linked/.debug");
	assert_true(is_visible_resolved(path_of("linked/p"), address, NULL, NULL, NULL));
	run("rm -r linked/.debug");
	assert_false(is_visible_resolved(path_of("linked/p"), address, NULL, NULL, NULL));
}

/* Makes FOLDER/.build-id/ab/cdef….debug for `program`. */
static void store_by_build_id(const char *program, const char *folder, const char *suffix)
{
	run("id=$(readelf -n %s 2>/dev/null | sed -n 's/.*Build ID: //p') && "
	    "mkdir -p %s/.build-id/$(echo $id | cut -c1-2) && "
	    "cp %s %s/.build-id/$(echo $id | cut -c1-2)/$(echo $id | cut -c3-)%s",
	    program, folder, program, folder, suffix);
}

static void finds_debug_files_by_build_id(void **state)
{
	(void)state;
	run("objcopy --only-keep-debug program program.dbg");
	store_by_build_id("program.dbg", "by-id", ".debug");
	run("cp program stripped && strip stripped");
	uint64_t address = address_of(path_of("program"), "visible");
	char debug_path[256];
	snprintf(debug_path, sizeof(debug_path), ":.debug:%s/by-id", fixture_folder);
	assert_true(is_visible_resolved(path_of("stripped"), address, debug_path, NULL, NULL));
	assert_false(is_visible_resolved(path_of("stripped"), address, NULL, NULL, NULL));
	/* The program itself may be gone, as on another machine than the target's. */
	assert_true(is_visible_resolved(path_of("stripped"), address, debug_path,
					"/nowhere/stripped", NULL));
}

static void looks_under_the_sysroot(void **state)
{
	(void)state;
	run("mkdir -p root/opt root/usr/lib/debug/opt && cp program root/opt/program");
	uint64_t address = address_of(path_of("program"), "visible");
	struct made_run made;
	run_begin(&made);
	uint32_t module = run_add_module(&made, path_of("program"), 0);
	free(made.modules[module].path);
	made.modules[module].path = strdup("/opt/program");
	uint32_t stack = run_add_call(&made, 0, module, address);
	run_add_site(&made, stack);
	for (int is_stripped = 0; is_stripped < 2; is_stripped++) {
		struct symbols_options options = {.sysroot = path_of("root")};
		struct symbols *symbols = symbols_new(&options);
		run_resolve(&made, symbols);
		const struct frame *frame = &run_site(&made, stack)->frames[0];
		assert_string_equal(frame->function, "visible");
		assert_string_equal(frame->module, "/opt/program");
		assert_true(frame->line > 0);
		symbols_free(symbols);
		if (is_stripped)
			break;
		run("objcopy --only-keep-debug program root/usr/lib/debug/opt/program.debug && "
		    "strip root/opt/program && "
		    "objcopy --add-gnu-debuglink=root/usr/lib/debug/opt/program.debug "
		    "root/opt/program");
	}
	run_end(&made);
}

static void names_exported_functions_of_stripped_modules(void **state)
{
	(void)state;
	run("cc -O2 -g -fPIC -shared -Wl,--build-id program.c -o full.so");
	run("cp full.so bare.so && strip bare.so");
	struct made_run made;
	run_begin(&made);
	uint32_t module = run_add_module(&made, path_of("bare.so"), SEEP_MODULE_IS_EXECUTABLE);
	uint64_t hidden_address = address_of(path_of("full.so"), "hidden");
	uint32_t known =
		run_add_call(&made, 0, module, address_of(path_of("full.so"), "visible") + 1);
	uint32_t unknown = run_add_call(&made, 0, module, hidden_address + 1);
	run_add_site(&made, known);
	run_add_site(&made, unknown);
	struct symbols *symbols = make_symbols(NULL);
	run_resolve(&made, symbols);

	const struct report_site *site = run_site(&made, known);
	assert_int_equal(site->frame_count, 1);
	assert_string_equal(site->frames[0].function, "visible");
	assert_null(site->frames[0].file);
	assert_int_equal(site->frames[0].line, 0);

	site = run_site(&made, unknown);
	assert_int_equal(site->frame_count, 1);
	assert_null(site->frames[0].function);
	assert_string_equal(site->frames[0].module, path_of("bare.so"));
	assert_int_equal(site->frames[0].offset, hidden_address + 2);
	/* Said once, and not also that its lines are missing. */
	assert_non_null(find_note(symbols, "bare.so is stripped, so functions are missing"));
	assert_null(find_note(symbols, "has no debug information"));
	symbols_free(symbols);
	run_end(&made);
}

static void does_not_use_a_program_that_was_rebuilt(void **state)
{
	(void)state;
	run("cp program rebuilt");
	struct made_run made;
	run_begin(&made);
	uint32_t module = run_add_module(&made, path_of("rebuilt"), 0);
	uint64_t address = address_of(path_of("rebuilt"), "visible");
	uint32_t stack = run_add_call(&made, 0, module, address);
	run_add_site(&made, stack);
	run_add_site(&made, run_add_call(&made, stack, module, address + 4));
	run("sed 's/2 . n/3 * n/' program.c > other.c && rm rebuilt && "
	    "cc -O2 -g -Wl,--build-id other.c -o rebuilt");

	struct symbols *symbols = make_symbols(NULL);
	run_resolve(&made, symbols);
	const struct frame *frame = &run_site(&made, stack)->frames[0];
	assert_null(frame->function);
	assert_null(frame->file);
	assert_string_equal(frame->module, path_of("rebuilt"));
	assert_int_equal(frame->offset, address + 1);
	assert_non_null(find_note(symbols,
				  "rebuilt was changed since the run; its frames are shown "
				  "as module+offset"));
	assert_null(symbols_notes(symbols)[1]);

	/* Kept under its build-id it can still be used. */
	store_by_build_id("program", "kept", "");
	symbols_free(symbols);
	char debug_path[256];
	snprintf(debug_path, sizeof(debug_path), "%s/kept", fixture_folder);
	symbols = make_symbols(debug_path);
	run_resolve(&made, symbols);
	assert_string_equal(run_site(&made, stack)->frames[0].function, "visible");
	assert_null(symbols_notes(symbols)[0]);
	symbols_free(symbols);
	run_end(&made);
}

/* What the symbols say about the module at `path` that had the build-id of `program`. */
static void expect_note_about(const char *path, const char *part)
{
	struct symbols *symbols;
	uint64_t address = address_of(path_of("program"), "visible");
	assert_false(is_visible_resolved(path_of("program"), address, NULL, path, &symbols));
	if (!find_note(symbols, part))
		fail_msg("%s: no note says \"%s\", but \"%s\"", path, part,
			 symbols_notes(symbols)[0]);
	symbols_free(symbols);
}

static void says_which_files_are_gone_or_unreadable(void **state)
{
	(void)state;
	char path[256];
	snprintf(path, sizeof(path), "%s/nothing", fixture_folder);
	expect_note_about(path, "/nothing is not there any more");
	snprintf(path, sizeof(path), "%s/program.c/below", fixture_folder);
	expect_note_about(path, "is not there any more");

	expect_note_about(fixture_folder, "could not be read");
	snprintf(path, sizeof(path), "%s/program.c", fixture_folder);
	expect_note_about(path, "program.c could not be read");
	snprintf(path, sizeof(path), "%s/fifo", fixture_folder);
	assert_int_equal(mkfifo(path, 0600), 0);
	expect_note_about(path, "fifo could not be read");
	snprintf(path, sizeof(path), "%s/empty", fixture_folder);
	write_file("empty", "");
	expect_note_about(path, "empty could not be read");
}

static void keeps_notes_short(void **state)
{
	(void)state;
	struct made_run made;
	run_begin(&made);
	static const char *const paths[MODULES_MAX] = {"/gone/a\033[2J", "/gone/b", "/gone/c",
						       "/gone/d"};
	uint32_t stack = 0;
	for (int i = 0; i < MODULES_MAX; i++)
		stack = run_add_call(&made, stack, run_add_module(&made, paths[i], 0), 16);
	run_add_site(&made, stack);
	struct symbols *symbols = make_symbols(NULL);
	run_resolve(&made, symbols);
	run_resolve(&made, symbols);
	assert_string_equal(symbols_notes(symbols)[0],
			    "/gone/d, /gone/c, /gone/b and 1 more module are not there any more; "
			    "their frames are shown as module+offset");
	assert_null(symbols_notes(symbols)[1]);
	symbols_free(symbols);
	run_end(&made);
}

static void survives_truncated_modules(void **state)
{
	(void)state;
	struct stat status;
	assert_int_equal(stat(path_of("program"), &status), 0);
	uint64_t address = address_of(path_of("program"), "visible");
	for (int eighth = 0; eighth < 8; eighth++) {
		run("cp program cut && truncate -s %ld cut", (long)status.st_size * eighth / 8);
		struct symbols *symbols;
		char path[256];
		snprintf(path, sizeof(path), "%s/cut", fixture_folder);
		is_visible_resolved(path_of("program"), address, NULL, path, &symbols);
		symbols_free(symbols);
	}
}

/* A linear congruential generator (constants of Numerical Recipes): the same in every run. */
static uint32_t next_random(uint32_t *seed)
{
	*seed = *seed * 1664525u + 1013904223u;
	return *seed >> 8;
}

static void survives_damaged_modules(void **state)
{
	(void)state;
	static char bytes[1 << 20];
	FILE *in = fopen(path_of("program"), "r");
	size_t count = fread(bytes, 1, sizeof(bytes), in);
	fclose(in);
	assert_true(count > 0x3000 && count < sizeof(bytes));
	uint64_t visible_address = address_of(path_of("program"), "visible");

	for (uint32_t round = 1; round <= 150; round++) {
		uint32_t seed = round;
		static char damaged[1 << 20];
		memcpy(damaged, bytes, count);
		/* Half of the rounds leave alone what the loader needs. */
		size_t first = round % 2 ? 0x3000 : 0;
		for (uint32_t left = 1 + round % 20; left > 0; left--)
			damaged[first + next_random(&seed) % (count - first)] =
				(char)next_random(&seed);
		FILE *out = fopen(path_of("damaged"), "w");
		fwrite(damaged, 1, count, out);
		fclose(out);

		struct made_run made;
		run_begin(&made);
		uint32_t module = run_add_module(&made, path_of("damaged"), 0);
		uint32_t stack = 0;
		for (uint64_t offset = 0; offset < 64; offset += 3)
			stack = run_add_call(&made, stack, module, visible_address + offset);
		run_add_site(&made, stack);
		struct symbols *symbols = make_symbols(NULL);
		run_resolve(&made, symbols);
		assert_true(run_site(&made, stack)->frame_count >= 22);
		symbols_free(symbols);
		run_end(&made);
		run("rm damaged");
	}
}

static void reads_a_deleted_program_while_it_runs(void **state)
{
	(void)state;
	write_file("waiting.c", "#include <unistd.h>\n"
				"int main(void)\n"
				"{\n"
				"	write(1, \"\", 1);\n"
				"	for (;;) pause();\n"
				"}\n");
	run("cc -O0 -g -Wl,--build-id waiting.c -o waiting");
	struct made_run made;
	run_begin(&made);
	uint32_t module = run_add_module(&made, path_of("waiting"), SEEP_MODULE_IS_EXECUTABLE);
	uint32_t stack = run_add_call(&made, 0, module, address_of(path_of("waiting"), "main"));
	run_add_site(&made, stack);

	int ends[2];
	assert_int_equal(pipe(ends), 0);
	pid_t pid = fork();
	if (pid == 0) {
		dup2(ends[1], STDOUT_FILENO);
		execl(path_of("waiting"), "waiting", (char *)NULL);
		_exit(127);
	}
	char byte;
	assert_int_equal(read(ends[0], &byte, 1), 1); /* it has been loaded */
	run("rm waiting && cp program waiting");
	made.profile.pid = (uint32_t)pid;
	for (int is_running = 1; is_running >= 0; is_running--) {
		made.profile.is_running = is_running;
		struct symbols *symbols = make_symbols(NULL);
		run_resolve(&made, symbols);
		const char *function = run_site(&made, stack)->frames[0].function;
		if (is_running)
			assert_string_equal(function, "main");
		else
			assert_null(function);
		assert_int_equal(find_note(symbols, "was changed since") != NULL, !is_running);
		symbols_free(symbols);
	}
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	close(ends[0]);
	close(ends[1]);
	run_end(&made);
}

static void says_when_there_is_no_build_id_to_compare(void **state)
{
	(void)state;
	run("cc -O2 -g -Wl,--build-id=none program.c -o nameless");
	struct made_run made;
	run_begin(&made);
	uint32_t module = run_add_module(&made, path_of("nameless"), 0);
	assert_int_equal(made.modules[module].build_id_bytes, 0);
	uint32_t stack = run_add_call(&made, 0, module, address_of(path_of("nameless"), "visible"));
	run_add_site(&made, stack);
	for (int is_newer = 0; is_newer < 2; is_newer++) {
		/* A nanosecond after the epoch, and in the year 2200. */
		made.profile.started_unix_ns = is_newer ? 1 : 7258118400000000000ull;
		struct symbols *symbols = make_symbols(NULL);
		run_resolve(&made, symbols);
		assert_string_equal(run_site(&made, stack)->frames[0].function, "visible");
		assert_int_equal(find_note(symbols, "nameless has no build-id") != NULL, is_newer);
		symbols_free(symbols);
	}
	run_end(&made);
}

int main(void)
{
	unsetenv("DEBUGINFOD_URLS");
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(follows_a_debug_link),
		cmocka_unit_test(finds_debug_files_by_build_id),
		cmocka_unit_test(looks_under_the_sysroot),
		cmocka_unit_test(names_exported_functions_of_stripped_modules),
		cmocka_unit_test(does_not_use_a_program_that_was_rebuilt),
		cmocka_unit_test(says_which_files_are_gone_or_unreadable),
		cmocka_unit_test(keeps_notes_short),
		cmocka_unit_test(survives_truncated_modules),
		cmocka_unit_test(survives_damaged_modules),
		cmocka_unit_test(reads_a_deleted_program_while_it_runs),
		cmocka_unit_test(says_when_there_is_no_build_id_to_compare),
	};
	return cmocka_run_group_tests(tests, compile_program, remove_folder);
}
