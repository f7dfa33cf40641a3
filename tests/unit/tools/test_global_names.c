/* SPDX-License-Identifier: Apache-2.0 */
/* test_global_names: what the variables of real programs are called, with debug information and without. */
#include "tests/unit/tools/symbols_fixture.h"

#include "tools/symbols/global_names.h"
#include "tools/symbols/module_debug.h"
#include "tools/symbols/progress_line.h"
#include "tools/symbols/text_pool.h"

static const char c_header[] = "struct declared_elsewhere;\n"
			       "extern struct declared_elsewhere opaque;\n";

static const char c_source[] =
	"#include \"shared.h\"\n"
	"#include <stdint.h>\n"
	"struct item { struct item *next; void *value; };\n"
	"typedef struct item item_t;\n"
	"typedef const volatile item_t frozen_item;\n"
	"typedef item_t *bucket;\n"
	"struct table { unsigned used : 3; unsigned size : 29; int spare; bucket *buckets; };\n"
	"struct sessions { struct table table; item_t pool[12]; bucket fixed[4][3]; };\n"
	"struct server {\n"
	"	int port;\n"
	"	struct sessions sessions;\n"
	"	struct { char *host; char *path; };\n"
	"	union { double seconds; void *pointer; } as;\n"
	"	union { void *left; void *right; } either;\n"
	"	frozen_item *frozen;\n"
	"	void *_Hidden;\n"
	"	void *rest[];\n"
	"};\n"
	"__attribute__((used)) struct server g_server = { .port = 80, .rest = { 0, 0, 0 } };\n"
	"__attribute__((used)) void *g_plain;\n"
	"static item_t s_items[5];\n"
	"void **(*g_function)(int);\n"
	"frozen_item g_frozen;\n"
	"_Thread_local void *t_buffer;\n"
	"static __attribute__((used)) _Thread_local struct table t_table;\n"
	"struct declared_elsewhere { void *first, *second; } opaque;\n"
	"void *get_session(void)\n"
	"{\n"
	"	static void *cache[3];\n"
	"	{ static item_t cache; cache.value = &cache; g_plain = cache.value; }\n"
	"	cache[1] = g_plain;\n"
	"	return cache;\n"
	"}\n"
	"int main(void)\n"
	"{\n"
	"	t_buffer = s_items; t_table.buckets = (void *)s_items;\n"
	"	return get_session() == t_table.buckets + (uintptr_t)g_frozen.value + "
	"g_server.port;\n"
	"}\n";

static const char cxx_source[] =
	"#include <map>\n"
	"#include <string>\n"
	"#include <vector>\n"
	"struct Base { virtual ~Base(); void *owned; };\n"
	"Base::~Base() {}\n"
	"struct Empty {};\n"
	"namespace app {\n"
	"struct Registry : Empty, Base {\n"
	"	std::map<std::string, void *> sessions;\n"
	"	void *last;\n"
	"	static Registry &instance() { static Registry registry; return registry; }\n"
	"	static void *shared;\n"
	"	inline static void *within;\n"
	"};\n"
	"void *Registry::shared;\n"
	"namespace { std::vector<void *> hidden; }\n"
	"thread_local std::string t_name;\n"
	"__attribute__((noinline)) void *use(int n)\n"
	"{\n"
	"	static std::map<int, int> local;\n"
	"	local[n] = n; hidden.push_back(&local); Registry::within = &hidden;\n"
	"	Registry::shared = &Registry::instance(); t_name += 'x';\n"
	"	return Registry::instance().last;\n"
	"}\n"
	"}\n"
	"int main(int argc, char **) { return app::use(argc) != nullptr; }\n";

static int compile_fixtures(void **state)
{
	if (make_folder(state) != 0)
		return -1;
	write_file("shared.h", c_header);
	write_file("program.c", c_source);
	write_file("program.cc", cxx_source);
	run("cc -O1 -g -Wl,--build-id program.c -o program");
	run("c++ -O1 -g -std=c++17 -Wl,--build-id program.cc -o program_cxx");
	return 0;
}

/* ---- asking ---- */

struct asked_module {
	struct module module;
	struct text_pool *pool;
	struct module_debug *debug;
	struct global_names *names;
};

static void open_module(struct asked_module *asked, const char *name)
{
	static struct progress_line silent;
	struct module_search search = {.debug_path = ":.debug", .progress = &silent};
	memset(asked, 0, sizeof(*asked));
	asked->module.path = strdup(path_of(name));
	struct elf_file opened = elf_open(asked->module.path);
	const void *build_id;
	ssize_t bytes = opened.elf ? dwelf_elf_gnu_build_id(opened.elf, &build_id) : 0;
	if (bytes > 0) {
		asked->module.build_id = malloc((size_t)bytes);
		memcpy(asked->module.build_id, build_id, (size_t)bytes);
		asked->module.build_id_bytes = (size_t)bytes;
	}
	elf_close(&opened);
	asked->pool = text_pool_new();
	asked->debug = module_debug_open(&asked->module, &search);
	assert_int_equal(asked->debug->state, MODULE_USABLE);
	asked->names = global_names_new(asked->debug, asked->pool);
	assert_non_null(asked->names);
}

static void close_module(struct asked_module *asked)
{
	global_names_free(asked->names);
	module_debug_free(asked->debug);
	text_pool_free(asked->pool);
	free(asked->module.path);
	free(asked->module.build_id);
}

static void check_text(const char *what, const char *said, const char *expected)
{
	if (!said != !expected || (said && strcmp(said, expected) != 0))
		fail_msg("%s: \"%s\", not \"%s\"", what, said ? said : "(null)",
			 expected ? expected : "(null)");
}

static void check_file(const char *said, const char *expected)
{
	const char *slash = said ? strrchr(said, '/') : NULL;
	check_text("file", slash ? slash + 1 : said, expected);
}

/* What lies `offset` bytes behind a symbol is called `name`. */
static void check_at(struct asked_module *asked, const char *symbol, uint64_t offset,
		     const char *name)
{
	uint64_t address = address_of(asked->module.path, symbol) + offset;
	struct global_name found = global_names_find(asked->names, SPACE_OF_MEMORY, address);
	check_text(symbol, found.name, name);
}

/* ---- what a symbol is called in a file where its name has a suffix ---- */

struct local_symbol {
	const char *prefix;
	uint64_t bytes; /* of the one wanted */
	uint64_t address;
};

static void take_local(const char *name, const GElf_Sym *symbol, void *context)
{
	struct local_symbol *wanted = context;
	if (strncmp(name, wanted->prefix, strlen(wanted->prefix)) == 0 &&
	    symbol->st_size == wanted->bytes)
		wanted->address = symbol->st_value;
}

/* 0 where there is none, or where that is its value, as that of the first thread-local variable. */
static uint64_t address_of_local(const char *path, const char *prefix, uint64_t bytes)
{
	struct local_symbol wanted = {.prefix = prefix, .bytes = bytes};
	visit_symbols(path, take_local, &wanted);
	return wanted.address;
}

/* ---- C ---- */

static void names_a_global_with_its_file(void **state)
{
	(void)state;
	struct asked_module asked;
	open_module(&asked, "program");
	struct global_name found = global_names_find(asked.names, SPACE_OF_MEMORY,
						     address_of(asked.module.path, "g_plain"));
	check_text("name", found.name, "g_plain");
	check_file(found.file, "program.c");
	assert_null(found.function);
	check_at(&asked, "g_function", 0, "g_function");
	close_module(&asked);
}

/* port 0, sessions 8: { table: bits 8, spare 12, buckets 16; pool 24 to 216; fixed 216 to 312 },
 * host 312, path 320, as 328, either 336, frozen 344, _Hidden 352, rest 360 */
static void names_the_member_at_an_offset(void **state)
{
	(void)state;
	struct asked_module asked;
	open_module(&asked, "program");
	check_at(&asked, "g_server", 0, "g_server.port");
	check_at(&asked, "g_server", 16, "g_server.sessions.table.buckets");
	check_at(&asked, "g_server", 24, "g_server.sessions.pool[…].next");
	check_at(&asked, "g_server", 24 + 5 * 16 + 8, "g_server.sessions.pool[…].value");
	check_at(&asked, "g_server", 216 + 40, "g_server.sessions.fixed[…][…]");
	check_at(&asked, "g_server", 312, "g_server.host");
	check_at(&asked, "g_server", 320, "g_server.path");
	check_at(&asked, "g_server", 344, "g_server.frozen");
	close_module(&asked);
}

static void no_pointer_lies_in_a_bit_field(void **state)
{
	(void)state;
	struct asked_module asked;
	open_module(&asked, "program");
	check_at(&asked, "g_server", 8, "g_server.sessions.table");
	check_at(&asked, "g_server", 12, "g_server.sessions.table.spare");
	close_module(&asked);
}

static void takes_the_member_of_a_union_that_is_a_pointer(void **state)
{
	(void)state;
	struct asked_module asked;
	open_module(&asked, "program");
	check_at(&asked, "g_server", 328, "g_server.as.pointer");
	close_module(&asked);
}

static void leaves_open_what_a_union_leaves_open(void **state)
{
	(void)state;
	struct asked_module asked;
	open_module(&asked, "program");
	check_at(&asked, "g_server", 336, "g_server.either");
	close_module(&asked);
}

static void says_nothing_of_reserved_names(void **state)
{
	(void)state;
	struct asked_module asked;
	open_module(&asked, "program");
	check_at(&asked, "g_server", 352, "g_server");
	close_module(&asked);
}

static void an_array_without_length_reaches_to_the_end(void **state)
{
	(void)state;
	struct asked_module asked;
	open_module(&asked, "program");
	check_at(&asked, "g_server", 360, "g_server.rest[…]");
	close_module(&asked);
}

static void sees_through_chains_of_typedefs(void **state)
{
	(void)state;
	struct asked_module asked;
	open_module(&asked, "program");
	check_at(&asked, "g_frozen", 8, "g_frozen.value");
	check_at(&asked, "s_items", 3 * 16 + 8, "s_items[…].value");
	check_at(&asked, "opaque", 8, "opaque.second");
	close_module(&asked);
}

/* Two of one name in one function. */
static void names_a_static_with_its_function(void **state)
{
	(void)state;
	struct asked_module asked;
	open_module(&asked, "program");
	const char *path = asked.module.path;
	struct global_name found = global_names_find(asked.names, SPACE_OF_MEMORY,
						     address_of_local(path, "cache", 24) + 16);
	check_text("name", found.name, "cache[…]");
	check_text("function", found.function, "get_session");
	check_file(found.file, "program.c");
	found = global_names_find(asked.names, SPACE_OF_MEMORY,
				  address_of_local(path, "cache", 16) + 8);
	check_text("name", found.name, "cache.value");
	check_text("function", found.function, "get_session");
	close_module(&asked);
}

static void names_what_is_of_each_thread(void **state)
{
	(void)state;
	struct asked_module asked;
	open_module(&asked, "program");
	uint64_t table = address_of_local(asked.module.path, "t_table", 16);
	struct global_name found = global_names_find(asked.names, SPACE_OF_THREADS, table + 8);
	check_text("name", found.name, "t_table.buckets");
	check_file(found.file, "program.c");
	found = global_names_find(asked.names, SPACE_OF_THREADS,
				  address_of_local(asked.module.path, "t_buffer", 8));
	check_text("name", found.name, "t_buffer");
	close_module(&asked);
}

static void knows_nothing_between_variables(void **state)
{
	(void)state;
	struct asked_module asked;
	open_module(&asked, "program");
	struct global_name found = global_names_find(asked.names, SPACE_OF_MEMORY, 8);
	assert_null(found.name);
	assert_null(found.section);
	close_module(&asked);
}

/* ---- C++ ---- */

static void names_scopes_of_cxx(void **state)
{
	(void)state;
	struct asked_module asked;
	open_module(&asked, "program_cxx");
	check_at(&asked, "_ZN3app8Registry6sharedE", 0, "app::Registry::shared");
	check_at(&asked, "_ZN3app8Registry6withinE", 0, "app::Registry::within");
	check_at(&asked, "_ZN3app12_GLOBAL__N_16hiddenE", 0, "app::(anonymous namespace)::hidden");
	check_at(&asked, "_ZN3app12_GLOBAL__N_16hiddenE", 16, "app::(anonymous namespace)::hidden");
	struct global_name found = global_names_find(asked.names, SPACE_OF_THREADS, 8);
	assert_non_null(found.name);
	close_module(&asked);
}

/* The map's own insides are the C++ library's business; those of a base class are one's own. */
static void names_members_of_a_singleton(void **state)
{
	(void)state;
	struct asked_module asked;
	open_module(&asked, "program_cxx");
	uint64_t registry = address_of(asked.module.path, "_ZZN3app8Registry8instanceEvE8registry");
	static const struct {
		uint64_t offset;
		const char *name;
	} members[] = {{8, "registry.owned"},
		       {16 + 16, "registry.sessions"},
		       {16 + 24, "registry.sessions"},
		       {64, "registry.last"}};
	for (size_t i = 0; i < sizeof(members) / sizeof(*members); i++) {
		struct global_name found = global_names_find(asked.names, SPACE_OF_MEMORY,
							     registry + members[i].offset);
		check_text("name", found.name, members[i].name);
		check_text("function", found.function, "app::Registry::instance()");
	}
	close_module(&asked);
}

/* ---- less to go by ---- */

static void names_symbols_without_debug_information(void **state)
{
	(void)state;
	struct asked_module asked;
	run("strip -g program -o program_g && strip -g program_cxx -o cxx_g");
	open_module(&asked, "program_g");
	check_at(&asked, "g_server", 16, "g_server");
	struct global_name found =
		global_names_find(asked.names, SPACE_OF_MEMORY,
				  address_of_local(asked.module.path, "cache", 24) + 16);
	check_text("name", found.name, "cache");
	assert_null(found.file);
	uint64_t table = address_of_local(asked.module.path, "t_table", 16);
	found = global_names_find(asked.names, SPACE_OF_THREADS, table + 8);
	check_text("name", found.name, "t_table");
	close_module(&asked);

	open_module(&asked, "cxx_g");
	check_at(&asked, "_ZZN3app8Registry8instanceEvE8registry", 32,
		 "app::Registry::instance()::registry");
	close_module(&asked);
}

static void says_where_it_is_without_symbols(void **state)
{
	(void)state;
	struct asked_module asked;
	uint64_t server = address_of(path_of("program"), "g_server");
	uint64_t plain = address_of(path_of("program"), "g_plain");
	run("strip program -o program_s");
	open_module(&asked, "program_s");
	struct global_name found = global_names_find(asked.names, SPACE_OF_MEMORY, server + 16);
	assert_null(found.name);
	check_text("section", found.section, ".data");
	assert_true(found.section_offset >= 16 && found.section_offset < 4096);
	found = global_names_find(asked.names, SPACE_OF_MEMORY, plain);
	check_text("section", found.section, ".bss");
	found = global_names_find(asked.names, SPACE_OF_THREADS, 8);
	check_text("section", found.section, ".tbss");
	assert_int_equal(found.section_offset, 8);
	close_module(&asked);
}

static void finds_a_debug_file(void **state)
{
	(void)state;
	struct asked_module asked;
	run("objcopy --only-keep-debug program program_split.debug && strip program -o "
	    "program_split && objcopy --add-gnu-debuglink=program_split.debug program_split && "
	    "mkdir -p .debug && mv program_split.debug .debug/");
	uint64_t server = address_of(path_of("program"), "g_server");
	open_module(&asked, "program_split");
	struct global_name found = global_names_find(asked.names, SPACE_OF_MEMORY, server + 320);
	check_text("name", found.name, "g_server.path");
	close_module(&asked);
}

/* What other compilers and other forms of debug information say is the same. */
static void agrees_over_compilers_and_forms(void **state)
{
	(void)state;
	/* With split debug information gcc writes an address where an offset belongs; the symbol helps. */
	static const struct {
		const char *command, *thread_local_name;
	} compilers[] = {
		{"cc -O2 -g -gdwarf-4", "t_table.buckets"},
		{"cc -O0 -g -gdwarf-5 -gsplit-dwarf", "t_table"},
		{"cc -O2 -g -fdebug-types-section", "t_table.buckets"},
		{"cc -O2 -g -flto", "t_table.buckets"},
		{"cc -O2 -g -ffunction-sections -fdata-sections -Wl,--gc-sections,-u,g_server",
		 "t_table.buckets"},
		{"clang-14 -O2 -g", "t_table.buckets"},
		{"clang-14 -O2 -g -gdwarf-5 -gsplit-dwarf", "t_table.buckets"},
		{"clang-14 -O0 -g -gdwarf-4", "t_table.buckets"},
	};
	for (size_t i = 0; i < sizeof(compilers) / sizeof(*compilers); i++) {
		struct asked_module asked;
		if (strncmp(compilers[i].command, "clang", 5) == 0 && !is_command_there("clang-14"))
			fail_msg("clang-14 is missing");
		run("%s -Wl,--build-id program.c -o other", compilers[i].command);
		open_module(&asked, "other");
		const char *path = asked.module.path;
		check_at(&asked, "g_server", 24 + 8, "g_server.sessions.pool[…].value");
		check_at(&asked, "g_server", 328, "g_server.as.pointer");
		struct global_name plain = global_names_find(asked.names, SPACE_OF_MEMORY,
							     address_of(path, "g_plain"));
		check_text(compilers[i].command, plain.name, "g_plain");
		check_file(plain.file, "program.c");
		uint64_t table = address_of_local(path, "t_table", 16);
		struct global_name found =
			global_names_find(asked.names, SPACE_OF_THREADS, table + 8);
		check_text(compilers[i].command, found.name, compilers[i].thread_local_name);
		close_module(&asked);
	}
}

/* ---- debug information that nobody vouches for ---- */

struct file_range {
	uint64_t offset, bytes;
};

/* Where sections whose name begins with `prefix` lie in a file. */
static size_t find_sections(const char *path, const char *prefix, struct file_range *ranges,
			    size_t capacity)
{
	struct elf_file opened = elf_open(path);
	size_t strings, count = 0;
	assert_int_equal(elf_getshdrstrndx(opened.elf, &strings), 0);
	for (Elf_Scn *section = NULL; (section = elf_nextscn(opened.elf, section));) {
		GElf_Shdr header;
		gelf_getshdr(section, &header);
		const char *name = elf_strptr(opened.elf, strings, header.sh_name);
		if (strncmp(name, prefix, strlen(prefix)) == 0 && count < capacity)
			ranges[count++] = (struct file_range){header.sh_offset, header.sh_size};
	}
	elf_close(&opened);
	return count;
}

static void damage(const char *path, const struct file_range *ranges, size_t count, unsigned *seed)
{
	FILE *file = fopen(path, "r+");
	assert_non_null(file);
	for (int i = 0; i < 40; i++) {
		const struct file_range *range = &ranges[(size_t)rand_r(seed) % count];
		fseek(file, (long)(range->offset + (uint64_t)rand_r(seed) % range->bytes),
		      SEEK_SET);
		fputc(rand_r(seed) & 0xff, file);
	}
	assert_int_equal(fclose(file), 0);
}

/* Types that lead back to themselves, sizes and places without sense: it ends, and nothing breaks. */
static void survives_damaged_debug_information(void **state)
{
	(void)state;
	struct file_range ranges[4];
	unsigned seed = 20240607;
	uint64_t server = address_of(path_of("program"), "g_server");
	size_t count = find_sections(path_of("program"), ".debug_info", ranges, 4);
	count += find_sections(path_of("program"), ".debug_abbrev", ranges + count, 4 - count);
	assert_int_equal(count, 2);
	for (int round = 0; round < 200; round++) {
		struct asked_module asked;
		run("cp program damaged");
		damage(path_of("damaged"), ranges, count, &seed);
		alarm(60);
		open_module(&asked, "damaged");
		for (uint64_t at = server - 64; at < server + 512; at += 8)
			global_names_find(asked.names, SPACE_OF_MEMORY, at);
		for (uint64_t at = 0; at < 32; at += 8)
			global_names_find(asked.names, SPACE_OF_THREADS, at);
		close_module(&asked);
	}
	alarm(0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_a_global_with_its_file),
		cmocka_unit_test(names_the_member_at_an_offset),
		cmocka_unit_test(no_pointer_lies_in_a_bit_field),
		cmocka_unit_test(takes_the_member_of_a_union_that_is_a_pointer),
		cmocka_unit_test(leaves_open_what_a_union_leaves_open),
		cmocka_unit_test(says_nothing_of_reserved_names),
		cmocka_unit_test(an_array_without_length_reaches_to_the_end),
		cmocka_unit_test(sees_through_chains_of_typedefs),
		cmocka_unit_test(names_a_static_with_its_function),
		cmocka_unit_test(names_what_is_of_each_thread),
		cmocka_unit_test(knows_nothing_between_variables),
		cmocka_unit_test(names_scopes_of_cxx),
		cmocka_unit_test(names_members_of_a_singleton),
		cmocka_unit_test(names_symbols_without_debug_information),
		cmocka_unit_test(says_where_it_is_without_symbols),
		cmocka_unit_test(finds_a_debug_file),
		cmocka_unit_test(agrees_over_compilers_and_forms),
		cmocka_unit_test(survives_damaged_debug_information),
	};
	return cmocka_run_group_tests(tests, compile_fixtures, remove_folder);
}
