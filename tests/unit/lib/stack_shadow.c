/* SPDX-License-Identifier: Apache-2.0 */
/*
 * stack_shadow: the stack as the functions on it say themselves.
 */
#include "tests/unit/lib/stack_shadow.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "seep/snapshot_format.h"

/* Inside these functions the compiler may remember where the thread's data is; nowhere else. */
#define NOINLINE __attribute__((noinline))

static __thread struct stack_shadow *here;

NOINLINE struct stack_shadow *stack_shadow_here(void)
{
	__asm__ volatile("" ::: "memory");
	return here;
}

NOINLINE void stack_shadow_use(struct stack_shadow *shadow)
{
	here = shadow;
	__asm__ volatile("" ::: "memory");
}

NOINLINE struct stack_exceptions *stack_shadow_exceptions(void)
{
	extern struct stack_exceptions *__cxa_get_globals(void);

	return __cxa_get_globals();
}

struct stack_shadow *stack_shadow_make(void)
{
	struct stack_shadow *shadow = mmap(NULL, sizeof(*shadow), PROT_READ | PROT_WRITE,
					   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (shadow == MAP_FAILED)
		abort();
	return shadow;
}

void stack_shadow_clear(struct stack_shadow *shadow)
{
	shadow->count = shadow->base_count = shadow->leaving_count = 0;
	shadow->jump_count = shadow->destructors = 0;
	shadow->features = 0;
	shadow->is_ending = false;
}

static void push(struct stack_shadow *shadow, enum stack_shadow_kind kind, uint64_t pc,
		 enum stack_feature feature)
{
	uint64_t features = 1ull << feature;

	if (shadow->count == STACK_SHADOW_ROOM)
		abort();
	if (shadow->count > 0)
		features |= shadow->frames[shadow->count - 1].features;
	shadow->frames[shadow->count++] = (struct stack_shadow_frame){
		.pc = pc, .features = features, .feature = feature, .kind = kind, .together = 1};
}

uint32_t stack_shadow_enter(const void *pc, enum stack_feature feature)
{
	struct stack_shadow *shadow = stack_shadow_here();
	uint64_t last = 0;
	uint32_t before;

	if (shadow == NULL)
		return 0;
	before = shadow->count;
	/* A function that has jumped here, or to one that jumped here, had the same return address;
	 * one that called has another, for it is another function. */
	for (uint32_t i = 0; i < shadow->leaving_count; i++) {
		if (shadow->leaving[i] != last)
			push(shadow, STACK_SHADOW_RETURN, shadow->leaving[i], feature);
		last = shadow->leaving[i];
	}
	shadow->leaving_count = 0;
	if ((uint64_t)pc != last)
		push(shadow, STACK_SHADOW_RETURN, (uint64_t)pc, feature);
	shadow->frames[shadow->count - 1].together = shadow->count - before;
	return shadow->count;
}

void stack_shadow_jump(const void *pc)
{
	struct stack_shadow *shadow = stack_shadow_here();

	if (shadow == NULL)
		return;
	if (shadow->leaving_count == sizeof(shadow->leaving) / sizeof(shadow->leaving[0]))
		abort();
	shadow->leaving[shadow->leaving_count++] = (uint64_t)pc;
}

uint32_t stack_shadow_gap(enum stack_shadow_kind kind, const void *pc, enum stack_feature feature)
{
	struct stack_shadow *shadow = stack_shadow_here();

	if (shadow == NULL)
		return 0;
	push(shadow, kind, (uint64_t)pc, feature);
	return shadow->count;
}

void stack_shadow_back(uint32_t mark)
{
	struct stack_shadow *shadow = stack_shadow_here();

	if (shadow == NULL)
		return;
	if (mark > shadow->count)
		abort();
	shadow->count = mark;
	shadow->leaving_count = 0;
}

void stack_shadow_leave(uint32_t mark)
{
	struct stack_shadow *shadow = stack_shadow_here();

	if (shadow == NULL)
		return;
	stack_shadow_back(mark);
	shadow->count = mark - shadow->frames[mark - 1].together;
}

uint64_t stack_shadow_features(void)
{
	const struct stack_shadow *shadow = stack_shadow_here();

	if (shadow == NULL)
		return 0;
	return shadow->features |
	       (shadow->count == 0 ? 0 : shadow->frames[shadow->count - 1].features);
}

/* Code of this program, as against that of shared libraries. */
static bool is_own(uint64_t pc)
{
	extern const char __executable_start[], etext[];

	return pc >= (uint64_t)__executable_start && pc < (uint64_t)etext;
}

static bool is_of_library(uint64_t pc)
{
	return pc >= SEEP_PC_LIMIT && !is_own(pc);
}

/* How many of `count` frames this one stands for; 0: it does not. `is_cut`: its end may be missing. */
static uint32_t frames_of(const struct stack_shadow_frame *shadow, const uint64_t *frames,
			  uint32_t count, bool is_cut)
{
	uint32_t i = 0, libraries;

	if (shadow->kind == STACK_SHADOW_RETURN)
		return frames[0] == shadow->pc;
	if (shadow->kind != STACK_SHADOW_LIBC) {
		if (frames[i++] != SEEP_PC_SIGNAL)
			return 0;
		if (shadow->pc != 0 && i < count && frames[i] != shadow->pc)
			return 0;
	}
	if (shadow->kind == STACK_SHADOW_TRAP)
		return i < count ? 2 : is_cut;
	libraries = i;
	while (i < count && is_of_library(frames[i]))
		i++;
	if (i == count)
		return is_cut ? i : 0;
	return i > libraries && is_own(frames[i]) ? i + 1 : 0;
}

/* The same of the outermost `left` ones and what is outside of them. */
static bool is_stack_of(const struct stack_shadow *shadow, uint32_t left, const uint64_t *frames,
			uint32_t count, bool is_cut)
{
	uint32_t i = 0;

	while (left-- > 0 && i < count) {
		uint32_t matched = frames_of(&shadow->frames[left], &frames[i], count - i, is_cut);

		if (matched == 0)
			return false;
		i += matched;
		if (i == count && left > 0)
			return is_cut;
	}
	for (uint32_t outside = 0; outside < shadow->base_count; outside++) {
		if (i == count)
			return is_cut;
		if (frames[i++] != shadow->base[outside])
			return false;
	}
	return i == count;
}

bool stack_shadow_is(const struct stack_shadow *shadow, uint64_t pc, const uint64_t *frames,
		     uint32_t count, bool is_cut)
{
	return count > 0 && frames[0] == pc &&
	       is_stack_of(shadow, shadow->count, frames + 1, count - 1, is_cut);
}

#define UNSAID_MAX 12u

bool stack_shadow_ends(const struct stack_shadow *shadow, const uint64_t *frames, uint32_t count,
		       uint32_t left_max)
{
	for (uint32_t left = 0; left <= left_max && left < shadow->count; left++)
		for (uint32_t unsaid = 1; unsaid <= UNSAID_MAX && unsaid < count; unsaid++)
			if (frames[unsaid] == shadow->frames[shadow->count - left - 1].pc &&
			    is_stack_of(shadow, shadow->count - left, frames + unsaid,
					count - unsaid, false))
				return true;
	return false;
}

enum stack_feature stack_shadow_feature_at(const struct stack_shadow *shadow,
					   const uint64_t *frames, uint32_t count, uint32_t index)
{
	uint32_t i = 1;

	for (uint32_t left = shadow->count; left-- > 0 && i <= index && i < count;) {
		const struct stack_shadow_frame *frame = &shadow->frames[left];

		if (i == index && frame->kind == STACK_SHADOW_RETURN)
			return frame->feature;
		i += frames_of(frame, &frames[i], count - i, true);
	}
	return STACK_FEATURE_COUNT;
}

void stack_shadow_show(const struct stack_shadow *shadow)
{
	static const char *const kinds[] = {"", "(libraries)", "(signal in a library)", "(signal)"};

	fprintf(stderr, "  by construction:");
	for (uint32_t left = shadow->count; left-- > 0;) {
		fprintf(stderr, " %s", kinds[shadow->frames[left].kind]);
		if (shadow->frames[left].pc != 0)
			fprintf(stderr, "%" PRIx64, shadow->frames[left].pc);
	}
	fprintf(stderr, " |");
	for (uint32_t i = 0; i < shadow->base_count; i++)
		fprintf(stderr, " %" PRIx64, shadow->base[i]);
	fprintf(stderr, "\n");
}
