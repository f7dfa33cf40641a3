/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_module_list: whose an address is, when modules lie there after each other.
 *
 * The libraries of test_stack_reload are loaded into each other's place: at moments when somebody else
 * looks at what is loaded, so that the list cannot be brought up to date; under each other's name; and
 * edited. The look itself is replaced (-Wl,--wrap), so a test knows that it is in the middle of one; and
 * so is what the dynamic linker says of an address, for modules that lie exactly where a test wants them.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <dlfcn.h>
#include <fcntl.h>
#include <link.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "lib/base/region.h"
#include "lib/record/module_list.h"
#include "lib/record/unwind_rules.h"
#include "tests/support/lib_life.h"

#define PAGE 4096ul

struct plugin {
	void *handle;
	uint64_t pc;
};

static struct plugin open_path(const char *path)
{
	struct plugin plugin = {.handle = dlopen(path, RTLD_NOW)};

	if (plugin.handle == NULL)
		fail_msg("%s", dlerror());
	plugin.pc = (uint64_t)dlsym(plugin.handle, "plugin_inner_returns");
	return plugin;
}

static struct plugin open_plugin(uint32_t number)
{
	char path[256];

	snprintf(path, sizeof(path), PLUGIN, number);
	return open_path(path);
}

/* As our door for dlclose does. */
static void close_plugin(struct plugin plugin)
{
	bool has_looked = module_list_begin_close();

	dlclose(plugin.handle);
	module_list_end_close(has_looked);
}

static const struct loaded_module *newest_at(uint64_t pc)
{
	for (uint32_t i = module_list_count(); i-- > 0;)
		if (pc >= module_list_at(i)->start && pc < module_list_at(i)->end)
			return module_list_at(i);
	return NULL;
}

/* ---- while somebody else looks ---- */

/* What a thread sees at the beginning of another one's look, or a handler that interrupts it. */
static struct {
	bool is_on;
	uint64_t pc;
	uint32_t generation;
} meanwhile;

int __real_dl_iterate_phdr(int (*visit)(struct dl_phdr_info *, size_t, void *), void *context);
int __wrap_dl_iterate_phdr(int (*visit)(struct dl_phdr_info *, size_t, void *), void *context);

int __wrap_dl_iterate_phdr(int (*visit)(struct dl_phdr_info *, size_t, void *), void *context)
{
	if (meanwhile.is_on)
		meanwhile.generation = module_list_generation(meanwhile.pc);
	return __real_dl_iterate_phdr(visit, context);
}

static uint32_t generation_during_a_look(uint64_t pc)
{
	meanwhile.is_on = true;
	meanwhile.pc = pc;
	module_list_refresh();
	meanwhile.is_on = false;
	return meanwhile.generation;
}

static uint32_t generation_during_the_end_of_a_close(uint64_t pc, bool has_looked)
{
	meanwhile.is_on = true;
	meanwhile.pc = pc;
	module_list_end_close(has_looked);
	meanwhile.is_on = false;
	return meanwhile.generation;
}

static void tells_a_successor_while_a_dlclose_is_looked_at(void **state)
{
	struct plugin first = open_plugin(1), second;
	uint32_t old = module_list_generation(first.pc), during;
	bool has_looked;

	(void)state;
	module_list_note(first.pc);
	has_looked = module_list_begin_close();
	dlclose(first.handle);
	second = open_plugin(2);
	assert_int_equal(second.pc, first.pc);
	during = generation_during_the_end_of_a_close(second.pc, has_looked);
	assert_int_not_equal(during, old);
	assert_int_equal(during, module_list_generation(second.pc));
	assert_int_equal(during, newest_at(second.pc)->generation);
	close_plugin(second);
}

/* The same where the list has the module that went as gone already. */
static void tells_a_successor_while_somebody_looks(void **state)
{
	struct plugin first = open_plugin(3), second;
	uint32_t old = module_list_generation(first.pc), during;

	(void)state;
	module_list_note(first.pc);
	close_plugin(first);
	second = open_plugin(4);
	assert_int_equal(second.pc, first.pc);
	during = generation_during_a_look(second.pc);
	assert_int_not_equal(during, old);
	assert_int_equal(during, module_list_generation(second.pc));
	close_plugin(second);
}

/* Its stacks are the same stacks, at every instant; another module's are not. */
static void tells_a_module_that_is_back_while_somebody_looks(void **state)
{
	struct plugin first = open_plugin(5), second;
	uint32_t old, during;

	(void)state;
	module_list_note(first.pc);
	old = module_list_generation(first.pc);
	close_plugin(first);
	first = open_plugin(5);
	during = generation_during_a_look(first.pc);
	assert_int_equal(during, old);
	assert_int_equal(module_list_generation(first.pc), old);
	close_plugin(first);
	second = open_plugin(6);
	assert_int_equal(second.pc, first.pc);
	assert_int_not_equal(module_list_generation(second.pc), during);
	close_plugin(second);
}

/* As if it happened at the worst moment: when the mark of a dlclose at work is about to be taken away. */
static bool is_another_to_begin;

void __real_unwind_rules_expire(uint32_t unloads);
void __wrap_unwind_rules_expire(uint32_t unloads);

void __wrap_unwind_rules_expire(uint32_t unloads)
{
	if (is_another_to_begin) {
		is_another_to_begin = false;
		module_list_begin_close();
	}
	__real_unwind_rules_expire(unloads);
}

static void counts_nothing_where_nothing_was_unloaded(void **state)
{
	struct plugin plugin = open_plugin(7);

	(void)state;
	open_plugin(7);
	module_list_refresh();
	assert_int_equal(atomic_load(&module_list_unloads), 0);
	close_plugin(plugin);
	module_list_postfork_child();
	assert_int_equal(atomic_load(&module_list_unloads), 0);
	module_list_begin_close();
	assert_int_equal(atomic_load(&module_list_unloads), 1);
	module_list_postfork_child();
	assert_int_equal(atomic_load(&module_list_unloads), 0);
	close_plugin(plugin);
}

static void is_uncertain_while_any_dlclose_is_at_work(void **state)
{
	(void)state;
	module_list_begin_close();
	is_another_to_begin = true;
	module_list_end_close(false);
	assert_false(is_another_to_begin);
	assert_false(module_list_is_certain(atomic_load(&module_list_unloads)));
	module_list_end_close(true);
	assert_true(module_list_is_certain(atomic_load(&module_list_unloads)));
}

/* ---- what comes and goes ---- */

/* Say, code that the program makes: it must not be taken for the next module's. */
static void gives_code_of_no_module_to_none(void **state)
{
	struct plugin first = open_plugin(1), second;
	uint32_t between;

	(void)state;
	module_list_note(first.pc);
	close_plugin(first);
	between = module_list_generation(first.pc);
	for (uint32_t i = 0; i < module_list_count(); i++)
		assert_int_not_equal(module_list_at(i)->generation, between);
	second = open_plugin(2);
	assert_int_equal(second.pc, first.pc);
	assert_int_not_equal(module_list_generation(second.pc), between);
	close_plugin(second);
}

static struct unwind_rule rule_at(uint64_t pc)
{
	return unwind_rule_of(pc - 1, atomic_load(&module_list_unloads));
}

static void drops_what_was_kept_before_a_module_was_back(void **state)
{
	struct plugin plugin = open_plugin(1);
	uint32_t old;

	(void)state;
	module_list_note(plugin.pc);
	old = module_list_generation(plugin.pc);
	assert_int_equal(rule_at(plugin.pc).kind, UNWIND_SP);
	close_plugin(plugin);
	assert_int_equal(rule_at(plugin.pc).kind, UNWIND_UNKNOWN);
	plugin = open_plugin(1);
	assert_int_equal(module_list_generation(plugin.pc), old);
	assert_int_equal(rule_at(plugin.pc).kind, UNWIND_SP);
	close_plugin(plugin);
}

/* Neither it nor its end was ever seen: only the dynamic linker's count of unloads tells. */
static void drops_rules_of_what_went_unseen(void **state)
{
	struct plugin unseen = open_plugin(1), other;
	struct unwind_rule first = rule_at(unseen.pc), second;

	(void)state;
	dlclose(unseen.handle);
	unseen = open_plugin(2);
	other = open_plugin(7);
	open_plugin(7);
	close_plugin(other); /* unloads nothing */
	second = rule_at(unseen.pc);
	assert_int_not_equal(first.cfa_offset, second.cfa_offset);
	assert_int_equal(second.cfa_offset, cfi_rule(unseen.pc - 1).cfa_offset);
	close_plugin(other);
	close_plugin(unseen);
}

/* As free does it when the dynamic linker gives back its link map. */
static void knows_that_a_module_has_gone_by_its_link_map(void **state)
{
	struct plugin plugin = open_plugin(1);
	uint64_t link_map = (uint64_t)plugin.handle;
	uint32_t unloads;

	(void)state;
	module_list_note(plugin.pc);
	assert_true(module_list_knows(plugin.pc));
	unloads = atomic_load(&module_list_unloads);
	module_list_forget(link_map + 64);
	module_list_forget(plugin.pc);
	assert_true(module_list_knows(plugin.pc));
	assert_int_equal(atomic_load(&module_list_unloads), unloads);
	dlclose(plugin.handle);
	module_list_forget(link_map);
	assert_false(module_list_knows(plugin.pc));
	assert_true(atomic_load(&module_list_unloads) > unloads);
}

static bool is_watched(uint64_t addr)
{
	uint32_t bit = module_list_link_map_bit(addr);

	return atomic_load(&module_list_link_maps[bit / 64]) >> bit % 64 & 1;
}

/* One that is loaded has a link map that looks the same to free. */
static bool has_a_double(uint64_t addr)
{
	for (uint32_t i = 0; i < module_list_count(); i++)
		if (module_list_at(i)->unloaded_epoch == 0 &&
		    module_list_link_map_bit(module_list_at(i)->link_map) ==
			    module_list_link_map_bit(addr))
			return true;
	return false;
}

/* Or else each free of a block that lies there now would look at all modules that ever were. */
static void forgets_where_a_link_map_was(void **state)
{
	struct loaded_module *first = (struct loaded_module *)module_list_at(0);
	uint64_t first_map = first->link_map, double_map = 16, link_map;

	(void)state;
	for (uint32_t i = 0; i < 2; i++) {
		struct plugin plugin = open_plugin(1);

		link_map = (uint64_t)plugin.handle;
		module_list_note(plugin.pc);
		assert_true(is_watched(link_map));
		if (i == 1)
			do
				double_map += 16;
			while (module_list_link_map_bit(double_map) !=
			       module_list_link_map_bit(link_map));
		first->link_map = i == 1 ? double_map : first_map;
		dlclose(plugin.handle);
		module_list_forget(link_map);
		assert_false(module_list_knows(plugin.pc));
		assert_int_equal(is_watched(link_map), has_a_double(link_map));
		assert_true(i == 0 || is_watched(link_map));
	}
	first->link_map = first_map;
	module_list_forget(link_map);
	assert_int_equal(is_watched(link_map), has_a_double(link_map));
}

/* dl_iterate_phdr does not show it. */
static void keeps_a_module_of_another_namespace(void **state)
{
	struct plugin apart = {0}, other = open_plugin(7);
	uint32_t generation;
	char path[256];

	(void)state;
	snprintf(path, sizeof(path), PLUGIN, 1);
	apart.handle = dlmopen(LM_ID_NEWLM, path, RTLD_NOW);
	assert_non_null(apart.handle);
	apart.pc = (uint64_t)dlsym(apart.handle, "plugin_inner_returns");
	module_list_note(apart.pc);
	generation = module_list_generation(apart.pc);
	close_plugin(other);
	assert_true(module_list_knows(apart.pc));
	assert_int_equal(module_list_generation(apart.pc), generation);
	close_plugin(apart);
	assert_false(module_list_knows(apart.pc));
}

/* A module that nobody has loaded. */
static struct {
	uint64_t start, end;
	struct link_map map;
} invented;

int __real__dl_find_object(void *pc, struct dl_find_object *result);
int __wrap__dl_find_object(void *pc, struct dl_find_object *result);

int __wrap__dl_find_object(void *pc, struct dl_find_object *result)
{
	if ((uint64_t)pc < invented.start || (uint64_t)pc >= invented.end)
		return __real__dl_find_object(pc, result);
	*result = (struct dl_find_object){.dlfo_map_start = (void *)invented.start,
					  .dlfo_map_end = (void *)invented.end,
					  .dlfo_link_map = &invented.map};
	return 0;
}

static void invent_module(char *name, uint64_t start, uint64_t end)
{
	invented.start = start;
	invented.end = end;
	invented.map = (struct link_map){.l_addr = start, .l_name = name, .l_ld = (void *)start};
}

/* Its first stack is asked for before it is in the list. */
static void tells_the_same_all_over_a_module_that_covers_more_than_was_unloaded(void **state)
{
	/* Far from all that other tests have unloaded. */
	uint8_t *place = mmap((void *)(1ull << 44), 16 * PAGE, PROT_READ,
			      MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
	uint64_t start = (uint64_t)place;
	uint32_t below, inside;

	(void)state;
	assert_ptr_not_equal(place, MAP_FAILED);
	invent_module((char *)"smaller", start + 4 * PAGE, start + 8 * PAGE);
	module_list_note(invented.start);
	assert_true(module_list_knows(invented.start));
	invent_module((char *)"none", 0, 0);
	close_plugin(open_plugin(7));
	assert_false(module_list_knows(start + 4 * PAGE));

	invent_module((char *)"larger", start, start + 12 * PAGE);
	below = module_list_generation(start + PAGE);
	module_list_note(start + PAGE);
	inside = module_list_generation(start + 5 * PAGE);
	assert_int_equal(below, inside);
	assert_int_equal(below, newest_at(start + PAGE)->generation);
	assert_int_equal(below, module_list_generation(start + PAGE));
	assert_int_equal(below, module_list_generation(start + 11 * PAGE));
	invent_module((char *)"none", 0, 0);
	close_plugin(open_plugin(7));
	munmap(place, 16 * PAGE);
}

/* ---- files that change ---- */

static char copy_path[64];

static uint8_t *read_plugin(uint32_t number, size_t *bytes, size_t room)
{
	char path[256];
	uint8_t *content;
	FILE *file;

	snprintf(path, sizeof(path), PLUGIN, number);
	file = fopen(path, "rb");
	assert_non_null(file);
	fseek(file, 0, SEEK_END);
	*bytes = (size_t)ftell(file);
	rewind(file);
	content = calloc(1, *bytes + room);
	assert_int_equal(fread(content, 1, *bytes, file), *bytes);
	fclose(file);
	return content;
}

/* A new file each time: what is mapped stays as it is. */
static void write_copy(const void *content, size_t bytes)
{
	FILE *file;

	unlink(copy_path);
	file = fopen(copy_path, "wb");
	assert_non_null(file);
	assert_int_equal(fwrite(content, 1, bytes, file), bytes);
	fclose(file);
}

static void copy_plugin(uint32_t number)
{
	size_t bytes;
	uint8_t *content = read_plugin(number, &bytes, 0);

	write_copy(content, bytes);
	free(content);
}

/* A thread loads the new build of a plug-in while another one is closing the old. */
static void tells_a_new_build_from_the_old_one_at_its_path(void **state)
{
	struct plugin old, new;
	uint32_t old_generation, unloads = atomic_load(&module_list_unloads);
	bool has_looked;

	(void)state;
	copy_plugin(1);
	old = open_path(copy_path);
	module_list_note(old.pc);
	old_generation = module_list_generation(old.pc);
	has_looked = module_list_begin_close();
	dlclose(old.handle);
	copy_plugin(2);
	new = open_path(copy_path);
	assert_int_equal(new.pc, old.pc);
	assert_int_equal(module_list_generation(new.pc), old_generation + 1);
	module_list_end_close(has_looked);
	assert_int_equal(module_list_generation(new.pc), old_generation + 1);
	assert_true(atomic_load(&module_list_unloads) > unloads);
	assert_int_equal(rule_at(new.pc).cfa_offset, cfi_rule(new.pc - 1).cfa_offset);
	close_plugin(new);
}

static uint64_t regions;
void *__real_region_map(size_t bytes, enum region_fork fork);
void *__wrap_region_map(size_t bytes, enum region_fork fork);

void *__wrap_region_map(size_t bytes, enum region_fork fork)
{
	regions++;
	return __real_region_map(bytes, fork);
}

static void takes_no_memory_for_a_module_that_is_back(void **state)
{
	struct plugin plugin = open_plugin(1);
	uint32_t count;
	uint64_t before;

	(void)state;
	module_list_note(plugin.pc);
	count = module_list_count();
	before = regions;
	for (uint32_t i = 0; i < 3000; i++) {
		close_plugin(plugin);
		plugin = open_plugin(1);
		module_list_note(plugin.pc);
	}
	close_plugin(plugin);
	/* Now and then something else lies where it was, and it comes to another place. */
	assert_in_range(module_list_count(), count, count + 2);
	assert_in_range(regions, before, before + 2);
}

/* As an editor of objects does it that needs room for more segments. */
static void knows_the_build_of_an_edited_object(void **state)
{
	struct plugin plain, edited;
	const struct loaded_module *module;
	uint8_t id[MODULE_BUILD_ID_MAX];
	ElfW(Ehdr) * header;
	uint32_t id_bytes;
	size_t bytes, table_bytes;
	uint8_t *content;

	(void)state;
	plain = open_plugin(7);
	module_list_note(plain.pc);
	module = newest_at(plain.pc);
	id_bytes = module->build_id_bytes;
	assert_true(id_bytes >= 8);
	memcpy(id, module->build_id, id_bytes);
	close_plugin(plain);

	content = read_plugin(7, &bytes, 64 * PAGE);
	header = (ElfW(Ehdr) *)content;
	table_bytes = header->e_phnum * sizeof(ElfW(Phdr));
	memcpy(content + bytes + 32 * PAGE, content + header->e_phoff, table_bytes);
	header->e_phoff = bytes + 32 * PAGE;
	write_copy(content, bytes + 32 * PAGE + table_bytes);
	free(content);
	edited = open_path(copy_path);
	module_list_note(edited.pc);
	assert_true(module_list_knows(edited.pc));
	module = newest_at(edited.pc);
	assert_string_equal(module->path, copy_path);
	assert_int_equal(module->build_id_bytes, id_bytes);
	assert_memory_equal(module->build_id, id, id_bytes);
	close_plugin(edited);
}

/* The beginning of the file is not in memory. */
static void knows_a_module_without_a_header(void **state)
{
	struct plugin plugin;
	struct link_map *map;

	(void)state;
	copy_plugin(8);
	plugin = open_path(copy_path);
	map = plugin.handle;
	assert_int_equal(mprotect((void *)map->l_addr, PAGE, PROT_READ | PROT_WRITE), 0);
	memset((void *)map->l_addr, 0, 8);
	module_list_note(plugin.pc);
	assert_true(module_list_knows(plugin.pc));
	assert_string_equal(newest_at(plugin.pc)->path, copy_path);
	assert_int_equal(newest_at(plugin.pc)->load_bias, map->l_addr);
	close_plugin(plugin);
	assert_false(module_list_knows(plugin.pc));
}

static int start(void **state)
{
	(void)state;
	snprintf(copy_path, sizeof(copy_path), "/tmp/seep-unit-module.%d.so", getpid());
	lib_life_start();
	return 0;
}

static int end(void **state)
{
	(void)state;
	unlink(copy_path);
	module_list_verify();
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		/* First: nothing was ever unloaded. */
		cmocka_unit_test(counts_nothing_where_nothing_was_unloaded),
		cmocka_unit_test(drops_rules_of_what_went_unseen),
		cmocka_unit_test(tells_a_successor_while_a_dlclose_is_looked_at),
		cmocka_unit_test(tells_a_successor_while_somebody_looks),
		cmocka_unit_test(tells_a_module_that_is_back_while_somebody_looks),
		cmocka_unit_test(is_uncertain_while_any_dlclose_is_at_work),
		cmocka_unit_test(gives_code_of_no_module_to_none),
		cmocka_unit_test(drops_what_was_kept_before_a_module_was_back),
		cmocka_unit_test(knows_that_a_module_has_gone_by_its_link_map),
		cmocka_unit_test(forgets_where_a_link_map_was),
		cmocka_unit_test(keeps_a_module_of_another_namespace),
		cmocka_unit_test(
			tells_the_same_all_over_a_module_that_covers_more_than_was_unloaded),
		cmocka_unit_test(tells_a_new_build_from_the_old_one_at_its_path),
		cmocka_unit_test(takes_no_memory_for_a_module_that_is_back),
		cmocka_unit_test(knows_the_build_of_an_edited_object),
		cmocka_unit_test(knows_a_module_without_a_header),
	};

	return cmocka_run_group_tests(tests, start, end);
}
