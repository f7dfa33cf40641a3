/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_stack_reload: stacks are right when a module lies where another one lay.
 *
 * Eight libraries of the same layout and with other frames (stack_plugin.c) are loaded after each other.
 * The test counts how often one came to lie at the addresses of the last one, with the last one's stack
 * still in memory: no rule and no trace of the last one may be used. Other threads go on meanwhile.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <dlfcn.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <ucontext.h>

#include "lib/record/cfi_program.h"
#include "lib/record/module_list.h"
#include "tests/support/lib_crowd.h"
#include "tests/support/lib_random.h"
#include "tests/unit/lib/stack_oracle.h"
#include "tests/unit/lib/stack_tour.h"

#define GENERATIONS 8u
#define STACK_BYTES (256ul << 10)

typedef void plugin_function(void (*callback)(void *context), void *context);

struct plugin {
	void *handle;
	plugin_function *outer;
	const void *outer_returns, *inner_returns;
};

static struct {
	_Atomic(uint64_t) loads, at_same_address, temptations;
} reloaded;

static struct plugin open_plugin(uint32_t generation)
{
	struct plugin plugin;
	char path[256];

	snprintf(path, sizeof(path), PLUGIN, generation);
	plugin.handle = dlopen(path, RTLD_NOW);
	if (plugin.handle == NULL) {
		fprintf(stderr, "%s\n", dlerror());
		abort();
	}
	plugin.outer = (plugin_function *)dlsym(plugin.handle, "plugin_outer");
	plugin.outer_returns = dlsym(plugin.handle, "plugin_outer_returns");
	plugin.inner_returns = dlsym(plugin.handle, "plugin_inner_returns");
	/* It never hears of what comes and goes. */
	unw_flush_cache(unw_local_addr_space, 0, 0);
	return plugin;
}

/* As our door for dlclose does. */
static void close_plugin(const struct plugin *plugin)
{
	bool has_looked = module_list_begin_close();

	dlclose(plugin->handle);
	module_list_end_close(has_looked);
}

/* ---- a call through a plug-in, on a stack of its own ---- */

struct call {
	const void *outer_return; /* stored by plugin_outer */
	const struct plugin *plugin;
	uint32_t looks;
	char *stack;
	struct stack_shadow *shadow;
	ucontext_t here, there;
	struct caller caller; /* the state in which the callback has looked */
};

static __thread struct call *called;

/* What the plug-in calls. Who calls whom where in it is known. */
static __attribute__((noinline)) void look_from_plugin(void *context)
{
	struct call *call = context;
	uint32_t outer = stack_shadow_enter(call->outer_return, STACK_RELOADED);
	uint32_t inner = stack_shadow_enter(call->plugin->outer_returns, STACK_RELOADED);
	uint32_t mark = stack_shadow_enter(__builtin_return_address(0), STACK_RELOADED);

	if (__builtin_return_address(0) != call->plugin->inner_returns)
		abort();
	for (volatile uint32_t i = 0; i < call->looks; i++)
		stack_oracle_look(STACK_ORACLE_NO_BUILD, STACK_RELOADED);
	call->caller = stack_oracle_caller;
	stack_shadow_leave(mark);
	stack_shadow_leave(inner);
	stack_shadow_leave(outer);
}

static void run_call(void)
{
	struct call *call = called;
	uint32_t mark = stack_shadow_enter(__builtin_return_address(0), STACK_RELOADED);

	call->plugin->outer(look_from_plugin, call);
	stack_shadow_leave(mark);
	stack_shadow_use(NULL);
	swapcontext(&call->there, &call->here);
}

static void make_call(struct call *call)
{
	call->shadow = stack_shadow_make();
	call->stack =
		mmap(NULL, STACK_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (call->stack == MAP_FAILED)
		abort();
}

/* Nothing else is ever on that stack: what one call has left behind the next one finds. */
static void call_plugin(struct call *call, const struct plugin *plugin, uint32_t looks)
{
	struct stack_shadow *own = stack_shadow_here();

	call->plugin = plugin;
	call->looks = looks;
	called = call;
	getcontext(&call->there);
	call->there.uc_stack.ss_sp = call->stack;
	call->there.uc_stack.ss_size = STACK_BYTES;
	call->there.uc_link = NULL;
	call->there.uc_mcontext.gregs[REG_RBP] = (greg_t)call;
	makecontext(&call->there, run_call, 0);
	stack_shadow_clear(call->shadow);
	stack_shadow_use(call->shadow);
	swapcontext(&call->here, &call->there);
	stack_shadow_use(own);
}

/* ---- after each other ---- */

/* The generations from first to last (or at random), `rounds` of them. */
static void reload(uint32_t rounds, struct lib_random *source, struct call *call, uint32_t looks)
{
	const void *address = NULL;
	struct caller before = {0};
	uint32_t generation = 0;

	for (uint32_t i = 0; i < rounds; i++) {
		struct plugin plugin;

		/* Mostly the one that is its partner, to which the callback looks the same. */
		if (i % 2 == 1)
			generation ^= 1;
		else
			generation = (uint32_t)lib_random_below(source, GENERATIONS);
		plugin = open_plugin(1 + generation);
		reloaded.loads++;
		reloaded.at_same_address += plugin.inner_returns == address;
		address = plugin.inner_returns;
		call_plugin(call, &plugin, looks);
		reloaded.temptations += memcmp(&before, &call->caller, sizeof(before)) == 0;
		before = call->caller;
		close_plugin(&plugin);
	}
}

static void report(const char *what)
{
	stack_oracle_report(what, NULL, 0);
	print_message("          %" PRIu64 " loads, %" PRIu64
		      " of them at the addresses of the last one, %" PRIu64
		      " with the callback in the same state\n",
		      reloaded.loads, reloaded.at_same_address, reloaded.temptations);
}

static void uses_nothing_of_the_module_that_was_there(void **state)
{
	uint32_t rounds = stack_oracle_is_full() ? 6000 : 1000;
	struct lib_random source = lib_random_start();
	struct call call = {0};

	(void)state;
	stack_oracle_start();
	memset(&reloaded, 0, sizeof(reloaded));
	make_call(&call);
	reload(rounds, &source, &call, 2);
	report("reloaded");
	assert_int_equal(stack_oracle_found.mistakes, 0);
	assert_int_equal(stack_oracle_found.shadows, stack_oracle_found.captures);
	assert_true(reloaded.at_same_address > rounds / 10 * 9);
	assert_true(reloaded.temptations > rounds / 4);
}

/* As if a thread were at work in dlclose and another one, which knows nothing of that, in the next
 * module: what was kept while the first one was there may not be used, though nothing has been counted. */
static void believes_nothing_while_a_dlclose_is_at_work(void **state)
{
	struct call call = {0};

	(void)state;
	stack_oracle_start();
	make_call(&call);
	for (uint32_t generation = 1; generation <= GENERATIONS; generation++) {
		bool others = module_list_begin_close(), own;
		struct plugin first = open_plugin(generation), second;

		call_plugin(&call, &first, 2);
		own = module_list_begin_close();
		dlclose(first.handle);
		second = open_plugin(1 + ((generation - 1) ^ 1));
		assert_ptr_equal(first.inner_returns, second.inner_returns);
		call_plugin(&call, &second, 2);
		module_list_end_close(own);
		call_plugin(&call, &second, 2);
		module_list_end_close(others);
		call_plugin(&call, &second, 2);
		close_plugin(&second);
	}
	stack_oracle_report("a dlclose at work", NULL, 0);
	assert_int_equal(stack_oracle_found.mistakes, 0);
}

/* Who could not look before a dlclose does not know what it may have unloaded. */
static void drops_rules_of_what_the_list_did_not_know(void **state)
{
	struct plugin first = open_plugin(1), second;
	struct call call = {0};

	(void)state;
	stack_oracle_start();
	make_call(&call);
	call_plugin(&call, &first, 2);
	assert_false(module_list_knows((uint64_t)first.inner_returns));
	dlclose(first.handle);
	module_list_end_close(false);
	second = open_plugin(2);
	assert_ptr_equal(first.inner_returns, second.inner_returns);
	call_plugin(&call, &second, 2);
	close_plugin(&second);
	assert_int_equal(stack_oracle_found.mistakes, 0);
}

/* ---- while others go on ---- */

#define OTHERS 3u

struct others {
	_Atomic(bool) have_to_end;
	struct plugin plugin; /* stays where it is */
};

/* Two wander through the maze; one is inside a module that stays while others come and go. */
static void go_on(uint32_t number, void *context)
{
	struct others *others = context;
	struct call call = {0};

	stack_tour_begin_thread(number, STACK_THREAD);
	make_call(&call);
	for (uint32_t i = number; !others->have_to_end; i++) {
		if (number == 0)
			call_plugin(&call, &others->plugin, 20);
		else
			stack_tour_go(i % stack_tour_count, (int)(3 + i % 6), NULL);
	}
	stack_tour_end_thread();
}

static void is_right_in_threads_while_modules_come_and_go(void **state)
{
	uint32_t rounds = stack_oracle_is_full() ? 3000 : 500;
	struct lib_random source = lib_random_start();
	struct others others = {.have_to_end = false};
	struct call call = {0};
	struct lib_crowd crowd;

	(void)state;
	stack_oracle_start();
	stack_tour_use_handlers();
	memset(&reloaded, 0, sizeof(reloaded));
	make_call(&call);
	others.plugin = open_plugin(GENERATIONS);
	lib_crowd_start(&crowd, OTHERS, go_on, &others);
	reload(rounds, &source, &call, 2);
	others.have_to_end = true;
	lib_crowd_join(&crowd);
	close_plugin(&others.plugin);
	report("reloaded while others go on");
	assert_int_equal(stack_oracle_found.mistakes, 0);
	assert_int_equal(stack_oracle_found.shadows, stack_oracle_found.captures);
	assert_true(reloaded.at_same_address > rounds / 4);
}

/* ---- two at once ---- */

/* What one thread has closed, the other one's may follow. */
static void reload_with_others(uint32_t number, void *context)
{
	struct lib_random source = {.state = *(uint64_t *)context + number};
	struct call call = {0};

	stack_tour_begin_thread(number, STACK_THREAD);
	make_call(&call);
	reload(stack_oracle_is_full() ? 1500 : 150, &source, &call, 2);
	stack_tour_end_thread();
}

static void is_right_where_threads_reload_at_once(void **state)
{
	struct lib_random source = lib_random_start();
	struct lib_crowd crowd;

	(void)state;
	stack_oracle_start();
	memset(&reloaded, 0, sizeof(reloaded));
	lib_crowd_start(&crowd, OTHERS, reload_with_others, &source.state);
	lib_crowd_join(&crowd);
	report("reloaded by threads at once");
	assert_int_equal(stack_oracle_found.mistakes, 0);
	assert_int_equal(stack_oracle_found.shadows, stack_oracle_found.captures);
}

/* ---- that the test can fail ---- */

/* Replaced by the linker (-Wl,--wrap): gives out the rules that it gave out before. */
static struct {
	bool is_on;
	struct plugin plugin;
	struct unwind_rule outer, inner;
} stale;

struct unwind_rule __real_cfi_rule(uint64_t pc);
struct unwind_rule __wrap_cfi_rule(uint64_t pc);

struct unwind_rule __wrap_cfi_rule(uint64_t pc)
{
	if (stale.is_on && pc == (uint64_t)stale.plugin.outer_returns - 1)
		return stale.outer;
	if (stale.is_on && pc == (uint64_t)stale.plugin.inner_returns - 1)
		return stale.inner;
	return __real_cfi_rule(pc);
}

static void a_stale_rule_is_found_out(void **state)
{
	struct call call = {0};
	struct plugin plugin;

	(void)state;
	stack_oracle_start();
	make_call(&call);
	plugin = open_plugin(1);
	stale.plugin = plugin;
	stale.outer = __real_cfi_rule((uint64_t)plugin.outer_returns - 1);
	stale.inner = __real_cfi_rule((uint64_t)plugin.inner_returns - 1);
	call_plugin(&call, &plugin, 1);
	close_plugin(&plugin);
	assert_int_equal(stack_oracle_found.mistakes, 0);

	plugin = open_plugin(2);
	stack_oracle_is_silent = stale.is_on = true;
	call_plugin(&call, &plugin, 1);
	stack_oracle_is_silent = stale.is_on = false;
	close_plugin(&plugin);
	assert_int_equal(stack_oracle_found.captures, 2);
	assert_int_equal(stack_oracle_found.mistakes, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		/* First: the addresses are still unknown. */
		cmocka_unit_test(drops_rules_of_what_the_list_did_not_know),
		cmocka_unit_test(a_stale_rule_is_found_out),
		cmocka_unit_test(uses_nothing_of_the_module_that_was_there),
		cmocka_unit_test(believes_nothing_while_a_dlclose_is_at_work),
		cmocka_unit_test(is_right_in_threads_while_modules_come_and_go),
		cmocka_unit_test(is_right_where_threads_reload_at_once),
	};

	return cmocka_run_group_tests(tests, stack_tour_set_up, NULL);
}
