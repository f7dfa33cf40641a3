/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_address_lines: functions, lines and inlined frames are those of binutils' addr2line.
 */
#include "tests/unit/tools/symbols_fixture.h"

#include "tools/symbols/allocator_wrappers.h"
#include "tools/symbols/demangle.h"

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

static int compile_both(void **state)
{
	if (compile_program(state) != 0)
		return -1;
	write_file("program.cc", cxx_source);
	return 0;
}

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

int main(void)
{
	unsetenv("DEBUGINFOD_URLS");
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(agrees_with_addr2line_on_c),
		cmocka_unit_test(agrees_with_addr2line_on_cxx_templates_and_lambdas),
		cmocka_unit_test(agrees_with_addr2line_on_clang),
		cmocka_unit_test(names_lambdas_and_unnamed_classes),
	};
	return cmocka_run_group_tests(tests, compile_both, remove_folder);
}
