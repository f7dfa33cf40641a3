/* SPDX-License-Identifier: Apache-2.0 */
/*
 * stack_oracle: whether our stack is the right one.
 */
#include "tests/unit/lib/stack_oracle.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "seep/snapshot_format.h"
#include "tests/support/lib_stack.h"

#define MISTAKES_SHOWN 3
/* Functions of the maze, on top of its shadow, that may have been left just now. */
#define LEFT_MAX 2u

struct stack_oracle_counts stack_oracle_found;
bool stack_oracle_is_silent;
__thread struct caller stack_oracle_caller;
__thread uint32_t stack_oracle_depth = OPTIONS_STACK_DEPTH_MAX;

static const char *const feature_texts[] = {
#define X(name, text) text,
	STACK_FEATURES(X)
#undef X
};

bool stack_oracle_is_full(void)
{
	const char *wanted = getenv("SEEP_TEST_FULL");

	return wanted != NULL && wanted[0] != 0;
}

/*
 * libunwind 1.6.2 keeps what it has looked up for all threads, and looks whether a frame was interrupted
 * after it has given back the lock (find_reg_state in src/dwarf/Gparser.c: tdep_reuse_frame behind
 * put_rs_cache). So it is asked by one thread at a time.
 */
static pthread_mutex_t asking = PTHREAD_MUTEX_INITIALIZER;

void stack_oracle_start(void)
{
	/* A test before may have crashed in it. */
	asking = (pthread_mutex_t)PTHREAD_MUTEX_INITIALIZER;
	memset(&stack_oracle_found, 0, sizeof(stack_oracle_found));
	unw_set_caching_policy(unw_local_addr_space, UNW_CACHE_GLOBAL);
	stack_doubt_start();
}

void stack_oracle_show(const char *whose, const struct stack_list *stack)
{
	fprintf(stderr, "  %s:", whose);
	for (uint32_t i = 0; i < stack->count; i++)
		fprintf(stderr, " %" PRIx64, stack->frames[i]);
	fprintf(stderr, "%s", stack->is_cut ? " (cut)" : "");
	fprintf(stderr, stack->status < 0 ? ", %s\n" : "\n", unw_strerror(stack->status));
}

/* Our way: marks for signals, which count for nothing, and the mark of a cut. libunwind says "is a
 * signal frame" of the frame that was interrupted. */
static void walk(unw_cursor_t *cursor, struct stack_list *stack, uint32_t depth)
{
	unw_word_t pc;

	stack->count = 0;
	stack->is_cut = false;
	stack->status = 0;
	do {
		if (unw_get_reg(cursor, UNW_REG_IP, &pc) < 0 || pc == 0)
			return;
		if (depth-- == 0) {
			stack->is_cut = true;
			stack->frames[stack->count++] = SEEP_PC_CUT;
			return;
		}
		if (unw_is_signal_frame(cursor) > 0)
			stack->frames[stack->count++] = SEEP_PC_SIGNAL;
		stack->frames[stack->count++] = pc;
		stack->status = unw_step(cursor);
	} while (stack->status > 0);
}

void stack_oracle_walk(unw_cursor_t *cursor, struct stack_list *stack, uint32_t depth)
{
	pthread_mutex_lock(&asking);
	walk(cursor, stack, depth);
	pthread_mutex_unlock(&asking);
}

void stack_oracle_go_to_caller(unw_cursor_t *cursor, unw_context_t *context)
{
	pthread_mutex_lock(&asking);
	if (unw_init_local(cursor, context) != 0 || unw_step(cursor) <= 0)
		abort();
	pthread_mutex_unlock(&asking);
}

static bool is_equal(const struct stack_list *a, const struct stack_list *b)
{
	return a->count == b->count && a->is_cut == b->is_cut &&
	       memcmp(a->frames, b->frames, a->count * sizeof(a->frames[0])) == 0;
}

static void count(const struct stack_list *ours, uint32_t build, uint64_t features)
{
	stack_oracle_found.captures++;
	stack_oracle_found.frames += ours->count;
	stack_oracle_found.by_build[build]++;
	for (; features != 0; features &= features - 1)
		stack_oracle_found.by_feature[__builtin_ctzll(features)]++;
}

/* Whether the shadow confirms what it can confirm. */
static bool is_built(const struct stack_list *ours, const struct stack_oracle_case *with)
{
	unw_word_t pc = 0;

	if (with->shadow == NULL)
		return false;
	if (with->is_anywhere)
		return stack_shadow_ends(with->shadow, ours->frames, ours->count, LEFT_MAX);
	unw_get_reg(with->cursor, UNW_REG_IP, &pc);
	return stack_shadow_is(with->shadow, pc, ours->frames, ours->count - ours->is_cut,
			       ours->is_cut);
}

/*
 * libunwind 1.6.2 keeps the rows of unwind data that it has looked up by instruction pointer alone
 * (rs_lookup in src/dwarf/Gparser.c), though for a return address it looks up the instruction before. An
 * interrupted instruction that is also where a call returns, or would if it returned, such as the first
 * one of a landing pad, gets the row of the call then, and the other way round. With nothing kept it
 * says the same as we.
 */
static void walk_with_nothing_kept(unw_cursor_t *cursor, struct stack_list *stack)
{
	unw_flush_cache(unw_local_addr_space, 0, 0);
	stack_oracle_walk(cursor, stack, stack_oracle_depth);
}

void stack_oracle_compare(const struct stack_list *ours, const struct stack_oracle_case *with)
{
	static __thread struct stack_list theirs;
	bool is_confirmed = is_built(ours, with);
	enum stack_doubt doubt;
	unw_cursor_t again = *with->cursor;
	bool is_contradicted = with->shadow != NULL && !with->is_anywhere && !is_confirmed;

	stack_oracle_walk(with->cursor, &theirs, stack_oracle_depth);
	stack_oracle_found.shadows += is_confirmed;
	count(ours, with->build,
	      stack_shadow_features() | 1ull << with->feature |
		      (ours->is_cut ? 1ull << STACK_CUT : 0));
	if (is_equal(ours, &theirs) && !is_contradicted)
		return;
	if (with->is_anywhere) {
		walk_with_nothing_kept(&again, &theirs);
		if (is_equal(ours, &theirs)) {
			stack_oracle_found.by_doubt[STACK_DOUBT_OTHER_ROW]++;
			return;
		}
	}
	doubt = stack_doubt_about(ours, &theirs, with->shadow, is_confirmed, with->is_anywhere);
	if (doubt != STACK_DOUBT_NONE) {
		stack_oracle_found.by_doubt[doubt]++;
		return;
	}
	if (stack_oracle_found.mistakes++ >= MISTAKES_SHOWN || stack_oracle_is_silent)
		return;
	fprintf(stderr, "  different, %s (build %u)%s\n", feature_texts[with->feature], with->build,
		is_contradicted ? ": not what was built" : "");
	stack_oracle_show("ours", ours);
	stack_oracle_show("libunwind's", &theirs);
	if (with->shadow != NULL)
		stack_shadow_show(with->shadow);
}

void stack_oracle_compare_after_crash(const struct stack_list *ours,
				      const struct stack_oracle_case *with)
{
	enum stack_doubt doubt = is_built(ours, with)
					 ? STACK_DOUBT_CRASHED
					 : stack_doubt_about(ours, ours, with->shadow, false, true);

	count(ours, with->build, stack_shadow_features() | 1ull << with->feature);
	if (doubt != STACK_DOUBT_NONE) {
		stack_oracle_found.by_doubt[doubt]++;
		return;
	}
	if (stack_oracle_found.mistakes++ >= MISTAKES_SHOWN)
		return;
	stack_oracle_show("ours, where libunwind crashed", ours);
	if (with->shadow != NULL)
		stack_shadow_show(with->shadow);
}

static __thread struct stack_trace last; /* each capture re-uses the one before */

void stack_oracle_spoil_last(uint32_t outwards)
{
	uint32_t index = last.count - 1 - outwards;

	memmove(&last.frames[index], &last.frames[index + 1],
		(last.count - 1 - index) * sizeof(last.frames[0]));
	last.count--;
	last.noded = 0;
}

__attribute__((noinline)) void stack_oracle_capture(struct stack_list *ours, struct caller caller)
{
	static __thread struct stack_trace empty;
	static __thread struct stack_list anew;
	static __thread uint32_t turn;

	ours->count =
		lib_stack_capture(&last, caller, ours->frames, stack_oracle_depth, &ours->is_cut);
	if (++turn % 16 != 0)
		return;
	empty.count = 0;
	anew.count =
		lib_stack_capture(&empty, caller, anew.frames, stack_oracle_depth, &anew.is_cut);
	stack_oracle_found.anew++;
	if (is_equal(ours, &anew) || stack_oracle_found.mistakes++ >= MISTAKES_SHOWN)
		return;
	stack_oracle_show("with the last trace", ours);
	stack_oracle_show("without", &anew);
}

__attribute__((noinline)) void stack_oracle_look(uint32_t build, enum stack_feature feature)
{
	static __thread struct stack_list ours;
	struct caller caller = CALLER_HERE();
	unw_context_t context;
	unw_cursor_t cursor;

	stack_oracle_caller = caller;
	stack_oracle_capture(&ours, caller);
	unw_getcontext(&context);
	stack_oracle_go_to_caller(&cursor, &context);
	stack_oracle_compare(&ours, &(struct stack_oracle_case){.cursor = &cursor,
								.shadow = stack_shadow_here(),
								.build = build,
								.feature = feature});
}

__attribute__((noinline)) void stack_oracle_note_base(struct stack_shadow *shadow)
{
	static __thread struct stack_list base;
	unw_context_t context;
	unw_cursor_t cursor;

	unw_getcontext(&context);
	stack_oracle_go_to_caller(&cursor, &context);
	stack_oracle_walk(&cursor, &base, 2 + STACK_SHADOW_BASE_ROOM);
	if (base.is_cut || base.count < 2)
		abort();
	/* Without the caller itself and the frame that it returns to, which it enters. */
	shadow->base_count = base.count - 2;
	memcpy(shadow->base, &base.frames[2], shadow->base_count * sizeof(base.frames[0]));
}

bool stack_oracle_has_met(uint64_t features)
{
	bool has_met = true;

	for (uint32_t i = 0; i < STACK_FEATURE_COUNT; i++) {
		if ((features >> i & 1) == 0 || stack_oracle_found.by_feature[i] > 0)
			continue;
		fprintf(stderr, "  never met: %s\n", feature_texts[i]);
		has_met = false;
	}
	return has_met;
}

void stack_oracle_report(const char *what, const char *const *builds, uint32_t build_count)
{
	const struct stack_oracle_counts *found = &stack_oracle_found;

	printf("          %s: %" PRIu64 " captures of %" PRIu64 " frames, %" PRIu64
	       " confirmed by construction, %" PRIu64 " repeated without a last trace, %" PRIu64
	       " different\n",
	       what, found->captures, found->frames, found->shadows, found->anew, found->mistakes);
	for (uint32_t i = 0; i < STACK_DOUBT_COUNT; i++)
		if (found->by_doubt[i] > 0)
			printf("          %10" PRIu64 "  %s\n", found->by_doubt[i],
			       stack_doubt_texts[i]);
	if (stack_oracle_is_full() && builds != NULL) {
		for (uint32_t i = 0; i < STACK_FEATURE_COUNT; i++)
			if (found->by_feature[i] > 0)
				printf("          %10" PRIu64 "  %s\n", found->by_feature[i],
				       feature_texts[i]);
		for (uint32_t i = 0; i < build_count; i++)
			printf("          %10" PRIu64 "  called by %s\n", found->by_build[i],
			       builds[i]);
	}
	fflush(stdout);
}
