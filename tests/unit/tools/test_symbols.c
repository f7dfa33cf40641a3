/* SPDX-License-Identifier: Apache-2.0 */
/* test_symbols: what symbols say of real programs, and of files that are not what they were. */
#include "tests/unit/tools/symbols_fixture.h"

#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "tools/model/holders.h"
#include "tools/model/scan.h"
#include "tools/symbols/allocator_wrappers.h"
#include "tools/symbols/demangle.h"

static const char c_source[] = "#include <stdlib.h>\n"
			       "void *keep[64];\n"
			       "static inline __attribute__((always_inline)) void *take(int n)\n"
			       "{\n"
			       "	return malloc(n + 1);\n"
			       "}\n"
			       "static inline __attribute__((always_inline)) void *twice(int n)\n"
			       "{\n"
			       "	keep[1] = take(n);\n"
			       "	return take(2 * n);\n"
			       "}\n"
			       "__attribute__((noinline)) static void hidden(int n)\n"
			       "{\n"
			       "	for (int i = 2; i < 60; i++)\n"
			       "		keep[i] = twice(n + i);\n"
			       "}\n"
			       "__attribute__((noinline)) void visible(int n)\n"
			       "{\n"
			       "	hidden(n);\n"
			       "	keep[0] = twice(n);\n"
			       "}\n"
			       "int main(int argc, char **argv)\n"
			       "{\n"
			       "	(void)argv;\n"
			       "	visible(argc);\n"
			       "	return keep[3] == keep[4];\n"
			       "}\n";

static const char cxx_source[] =
	"#include <map>\n"
	"#include <memory>\n"
	"#include <string>\n"
	"#include <vector>\n"
	"namespace outer {\n"
	"template <class T> struct Box {\n"
	"	std::vector<T> items;\n"
	"	explicit Box(int n) { for (int i = 0; i < n; i++) items.push_back(T()); }\n"
	"	__attribute__((noinline)) void grow(int n) { items.resize(items.size() + n); }\n"
	"};\n"
	"namespace {\n"
	"struct Hidden {\n"
	"	int *p;\n"
	"	Hidden(int n) : p(new int[n]) {}\n"
	"	int sum() { return p[0] + p[1]; }\n"
	"};\n"
	"__attribute__((noinline)) int hidden(int n) { Hidden h(n); return h.sum(); }\n"
	"}\n"
	"int visible(int n) { return hidden(n) + 1; }\n"
	"}\n"
	"int main(int argc, char **argv)\n"
	"{\n"
	"	outer::Box<int> b(argc);\n"
	"	b.grow(3);\n"
	"	outer::Box<std::string> s(2);\n"
	"	std::map<std::string, int> m;\n"
	"	for (int i = 0; i < argc; i++)\n"
	"		m[argv[i]]++;\n"
	"	auto f = [&](int k) { return std::make_unique<int>(k); };\n"
	"	auto u = f(3);\n"
	"	return outer::visible(argc) + *u + (int)m.size();\n"
	"}\n";

static int compile_fixtures(void **state)
{
	if (make_folder(state) != 0)
		return -1;
	write_file("program.c", c_source);
	write_file("program.cc", cxx_source);
	run("cc -O2 -g -Wl,--build-id program.c -o program");
	return 0;
}

static struct symbols *make_symbols(const char *debug_path)
{
	struct symbols_options options = {.debug_path = debug_path};
	struct symbols *symbols = symbols_new(&options);
	assert_non_null(symbols);
	return symbols;
}

/* ---- agreement with addr2line ---- */

static bool ends_with_name(const char *longer, const char *shorter)
{
	size_t long_bytes = strlen(longer), short_bytes = strlen(shorter);
	return long_bytes >= short_bytes && strcmp(longer + long_bytes - short_bytes, shorter) == 0;
}

/* addr2line leaves scopes out where there is no linkage name, and takes the symbol table's word
 * where the debug information has its own. */
static bool is_same_function(const char *ours, const char *theirs_mangled)
{
	char our_plain[512], their_plain[512];
	char *theirs = demangle(theirs_mangled);
	allocator_wrappers_plain_name(ours, our_plain, sizeof(our_plain));
	allocator_wrappers_plain_name(theirs, their_plain, sizeof(their_plain));
	bool is_same = strcmp(ours, theirs) == 0 || ends_with_name(our_plain, their_plain) ||
		       ends_with_name(their_plain, our_plain);
	free(theirs);
	return is_same;
}

struct address_list {
	uint64_t *addresses;
	size_t count;
};

/* Not the padding between functions: there addr2line names the function before. */
static void take_addresses(const char *name, const GElf_Sym *symbol, void *context)
{
	(void)name;
	struct address_list *list = context;
	if (GELF_ST_TYPE(symbol->st_info) != STT_FUNC)
		return;
	for (uint64_t offset = 0; offset < symbol->st_size; offset += 3) {
		list->addresses =
			realloc(list->addresses, (list->count + 1) * sizeof(*list->addresses));
		list->addresses[list->count++] = symbol->st_value + offset;
	}
}

static bool read_line(FILE *in, char *line, size_t bytes)
{
	if (!fgets(line, (int)bytes, in))
		return false;
	line[strcspn(line, "\n")] = '\0';
	return true;
}

static void compare_frame(const struct report_site *site, size_t at, const char *function,
			  char *place, uint64_t address)
{
	const struct frame *frame = &site->frames[at];
	const struct frame *outermost = &site->frames[site->frame_count - 1];
	char *colon = strrchr(place, ':');
	assert_non_null(colon);
	int line = atoi(colon + 1);
	*colon = '\0';
	/* To an inlined function without linkage name addr2line gives the name of the symbol, which
	 * is that of the function around. */
	bool is_same =
		frame->function && (is_same_function(frame->function, function) ||
				    (at == 0 && is_same_function(outermost->function, function)));
	if (strcmp(function, "??") != 0 && !is_same)
		fail_msg("%#lx: %s is not %s", address, frame->function, function);
	assert_int_equal(frame->line, line);
	if (line > 0 && (!frame->file || strcmp(frame->file, place) != 0))
		fail_msg("%#lx: %s is not %s", address, frame->file, place);
}

static void compare_with_addr2line(const char *build, const char *program)
{
	run("%s", build);
	char path[4096];
	strcpy(path, path_of(program));
	struct address_list asked = {.count = 0};
	visit_symbols(path, take_addresses, &asked);

	struct made_run made;
	run_begin(&made);
	uint32_t module = run_add_module(&made, path, SEEP_MODULE_IS_EXECUTABLE);
	FILE *list = fopen(path_of("addresses"), "w");
	for (size_t i = 0; i < asked.count; i++) {
		fprintf(list, "%#lx\n", asked.addresses[i]);
		run_add_site(&made, run_add_call(&made, 0, module, asked.addresses[i]));
	}
	fclose(list);
	struct symbols *symbols = make_symbols(NULL);
	run_resolve(&made, symbols);

	run("addr2line -f -i -a -e %s < addresses > expected", program);
	FILE *in = fopen(path_of("expected"), "r");
	assert_non_null(in);
	char head[4096], place[4096];
	bool is_more = read_line(in, head, sizeof(head));
	size_t frames = 0, inlined = 0;
	for (uint32_t stack = 1; is_more; stack++) {
		uint64_t address = asked.addresses[stack - 1];
		assert_int_equal(strtoull(head, NULL, 16), address);
		const struct report_site *site = run_site(&made, stack);
		size_t at = 0;
		while ((is_more = read_line(in, head, sizeof(head))) &&
		       strncmp(head, "0x", 2) != 0) {
			assert_true(read_line(in, place, sizeof(place)));
			char *remark = strstr(place, " (discriminator");
			if (remark)
				*remark = '\0';
			if (at >= site->frame_count)
				fail_msg("%#lx: a frame is missing: %s", address, head);
			compare_frame(site, at, head, place, address);
			assert_int_equal(site->frames[at].is_inlined, at + 1 < site->frame_count);
			assert_string_equal(site->frames[at].module, path);
			assert_int_equal(site->frames[at].offset, address + 1);
			frames++;
			inlined += site->frames[at].is_inlined;
			at++;
		}
		assert_int_equal(site->frame_count, at);
	}
	fclose(in);
	print_message("%s: %zu frames, %zu of them inlined\n", build, frames, inlined);
	assert_true(inlined > 10);
	free(asked.addresses);
	assert_null(symbols_notes(symbols)[0]);
	symbols_free(symbols);
	run_end(&made);
}

static void agrees_with_addr2line_on_c(void **state)
{
	(void)state;
	compare_with_addr2line("cc -O2 -g program.c -o c-pie", "c-pie");
	compare_with_addr2line("cc -O2 -gdwarf-4 -no-pie -fno-pie program.c -o c-exec", "c-exec");
	compare_with_addr2line("cc -O2 -g -gz program.c -o c-compressed", "c-compressed");
	run("mkdir -p sub && cp program.c sub");
	compare_with_addr2line("cc -O2 -gdwarf-4 sub/program.c -o c-sub", "c-sub");
}

static void agrees_with_addr2line_on_cxx_templates_and_lambdas(void **state)
{
	(void)state;
	compare_with_addr2line("c++ -O2 -g program.cc -o cxx-pie", "cxx-pie");
	compare_with_addr2line("c++ -O2 -gdwarf-4 -no-pie -fno-pie program.cc -o cxx-exec",
			       "cxx-exec");
	compare_with_addr2line("c++ -O2 -g -flto program.cc -o cxx-lto", "cxx-lto");
}

/* Without .debug_aranges. */
static void agrees_with_addr2line_on_clang(void **state)
{
	(void)state;
	if (!is_command_there("clang")) {
		print_message("skipped: there is no clang\n");
		skip();
	}
	compare_with_addr2line("clang -O2 -g program.c -o c-clang", "c-clang");
}

/* Neither a closure nor the struct around it has a name, and nothing gives one a linkage name. */
static void names_lambdas_and_unnamed_classes(void **state)
{
	(void)state;
	static const struct {
		const char *symbol, *function;
	} cases[] = {
		{"_ZZ4mainENKUliE_clEi", "main::{lambda}::operator()"},
		{"_ZZ4mainENUliE_4_FUNEi", "main::{lambda}::_FUN"},
		{"_ZZ4mainENUt_2goEi", "main::{anonymous}::go"},
	};
	struct made_run made;
	write_file("lambda.cc", "#include <cstdlib>\n"
				"int main()\n"
				"{\n"
				"	auto f = [](int n) { return malloc(n); };\n"
				"	void *(*plain)(int) = f;\n"
				"	struct { void *go(int n) { return malloc(n); } } unnamed;\n"
				"	return !f(1) | !plain(2) | !unnamed.go(3);\n"
				"}\n");
	run("g++ -O0 -g lambda.cc -o lambda");
	run_begin(&made);
	uint32_t module = run_add_module(&made, path_of("lambda"), 0);
	uint32_t stacks[3];
	for (size_t i = 0; i < 3; i++) {
		stacks[i] = run_add_call(&made, 0, module,
					 address_of(path_of("lambda"), cases[i].symbol));
		run_add_site(&made, stacks[i]);
	}
	struct symbols *symbols = symbols_new(&(struct symbols_options){0});
	run_resolve(&made, symbols);
	for (size_t i = 0; i < 3; i++)
		assert_string_equal(run_site(&made, stacks[i])->frames[0].function,
				    cases[i].function);
	symbols_free(symbols);
	run_end(&made);
}

/* ---- where the debug information is ---- */

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

/* ---- less than full debug information ---- */

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

/* ---- files that are not what ran ---- */

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

/* ---- processes that still run ---- */

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

/* ---- stacks ---- */

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
		cmocka_unit_test(agrees_with_addr2line_on_c),
		cmocka_unit_test(agrees_with_addr2line_on_cxx_templates_and_lambdas),
		cmocka_unit_test(agrees_with_addr2line_on_clang),
		cmocka_unit_test(names_lambdas_and_unnamed_classes),
		cmocka_unit_test(keeps_what_the_linker_calls_a_function),
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
		cmocka_unit_test(walks_from_the_program_outwards),
		cmocka_unit_test(says_what_pseudo_addresses_mean),
		cmocka_unit_test(looks_up_the_call_but_the_interrupted_instruction_itself),
		cmocka_unit_test(marks_only_the_innermost_wrappers),
		cmocka_unit_test(a_stack_that_frees_is_shown_from_who_ends_the_object),
		cmocka_unit_test(names_who_holds_the_blocks),
		cmocka_unit_test(prefers_the_public_name_of_c_functions),
		cmocka_unit_test(survives_hostile_trees),
		cmocka_unit_test(serves_a_second_report_from_what_it_knows),
		cmocka_unit_test(looks_nothing_up_when_told_so),
	};
	return cmocka_run_group_tests(tests, compile_fixtures, remove_folder);
}
