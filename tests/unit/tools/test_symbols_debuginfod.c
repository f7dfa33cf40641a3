/* SPDX-License-Identifier: Apache-2.0 */
/* test_symbols_debuginfod: debuginfod is asked when the user has named a server, and only then. */
#include "tests/unit/tools/symbols_fixture.h"

#include <dlfcn.h>

/* Resolves a call in `visible` of a stripped program; true when its line was found. */
static bool finds_line(const char *path, uint64_t address)
{
	struct made_run made;
	run_begin(&made);
	uint32_t module = run_add_module(&made, path, 0);
	uint32_t stack = run_add_call(&made, 0, module, address);
	run_add_site(&made, stack);
	struct symbols_options options = {.show_progress = true};
	struct symbols *symbols = symbols_new(&options);
	run_resolve(&made, symbols);
	bool is_found = run_site(&made, stack)->frames[0].line > 0;
	symbols_free(symbols);
	run_end(&made);
	return is_found;
}

static void fetches_debug_information_by_build_id(void **state)
{
	(void)state;
	if (!dlopen("libdebuginfod.so.1", RTLD_LAZY)) {
		print_message("skipped: libdebuginfod is not installed\n");
		skip();
	}
	write_file("program.c", "void *keep;\n"
				"__attribute__((noinline)) void visible(void *p) { keep = p; }\n"
				"int main(int n, char **v) { visible(v + n); return 0; }\n");
	run("cc -O2 -g -Wl,--build-id program.c -o program");
	/* A server is a tree of files to curl: buildid/HEX/debuginfo. */
	run("id=$(readelf -n program | sed -n 's/.*Build ID: //p') && "
	    "mkdir -p server/buildid/$id && "
	    "objcopy --only-keep-debug program server/buildid/$id/debuginfo");
	uint64_t address = address_of(path_of("program"), "visible");
	run("strip program");
	char path[256], text[256];
	snprintf(path, sizeof(path), "%s/program", fixture_folder);
	snprintf(text, sizeof(text), "%s/cache", fixture_folder);
	setenv("DEBUGINFOD_CACHE_PATH", text, 1);

	unsetenv("DEBUGINFOD_URLS");
	assert_false(finds_line(path, address));
	snprintf(text, sizeof(text), "file://%s/server/", fixture_folder);
	setenv("DEBUGINFOD_URLS", text, 1);
	assert_true(finds_line(path, address));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(fetches_debug_information_by_build_id),
	};
	return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
