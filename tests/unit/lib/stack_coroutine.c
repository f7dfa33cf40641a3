/* SPDX-License-Identifier: Apache-2.0 */
/*
 * stack_coroutine: stacks that code switches between while its frames are live.
 */
#include "tests/unit/lib/stack_coroutine.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <ucontext.h>

#include "tests/unit/lib/stack_oracle.h"

#define NOINLINE __attribute__((noinline))

#define PAGE 4096ul
#define STACK_BYTES (512ul << 10)
/* How much earlier a stack may end than another one at the same address. */
#define SHORTER_PAGES 16u
#define LEFT_FREE_BYTES (96ul << 10)
#define RED_ZONE_BYTES 128u

#define OWN_STACKS 6u
#define SHARED_STACKS 2u    /* pieces of memory … */
#define COPIES_OF_SHARED 3u /* … with so many coroutines each */
#define COROUTINES (OWN_STACKS + SHARED_STACKS * COPIES_OF_SHARED)

struct memory {
	char *start;
	bool is_in_use;
};

struct coroutine {
	ucontext_t context, resumer;
	struct stack_shadow *shadow;
	struct stack_exceptions exceptions;
	struct memory *memory;
	char *end;   /* of its stack */
	char *saved; /* its live part while it waits, where the memory is shared */
	size_t saved_bytes;
	pthread_t thread; /* in which it ran last */
	void (*body)(void);
	bool has_begun;
};

struct stack_coroutine_counts stack_coroutine_found;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct memory memories[OWN_STACKS + SHARED_STACKS];
static struct coroutine coroutines[COROUTINES];
static __thread struct coroutine *running;

static NOINLINE struct coroutine *running_here(void)
{
	__asm__ volatile("" ::: "memory");
	return running;
}

static NOINLINE void run_here(struct coroutine *coroutine)
{
	running = coroutine;
	__asm__ volatile("" ::: "memory");
}

bool stack_coroutine_is_here(void)
{
	return running_here() != NULL;
}

/* The bottom of each of them. */
static NOINLINE void live(void)
{
	uint32_t mark;

	stack_shadow_use(running_here()->shadow);
	mark = stack_shadow_enter(__builtin_return_address(0), STACK_COROUTINE);
	for (;;) {
		running_here()->body();
		stack_shadow_back(mark);
		stack_coroutine_yield();
	}
}

/* Keeps the addresses, so that nothing else comes to lie there; but no word can be read. */
static void unmap(struct memory *memory)
{
	void *start = mmap(memory->start, STACK_BYTES, PROT_NONE,
			   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE |
				   (memory->start != NULL ? MAP_FIXED : 0),
			   -1, 0);

	if (start == MAP_FAILED)
		abort();
	memory->start = start;
}

/* Zeros from the lowest address up to `bytes`; nothing behind. */
static void map(struct memory *memory, size_t bytes)
{
	if (mmap(memory->start, bytes, PROT_READ | PROT_WRITE,
		 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1, 0) == MAP_FAILED)
		abort();
}

static void begin(struct coroutine *self, uint32_t (*choose)(uint32_t limit), void (*body)(void))
{
	size_t bytes = STACK_BYTES - choose(SHORTER_PAGES) * PAGE;

	stack_shadow_clear(self->shadow);
	self->exceptions = (struct stack_exceptions){NULL, 0};
	self->body = body;
	self->thread = pthread_self();
	if (self->saved != NULL) {
		self->shadow->features = 1ull << STACK_COROUTINE_COPIED;
	} else {
		unmap(self->memory);
		map(self->memory, bytes);
		if (self->has_begun)
			self->shadow->features = 1ull << STACK_COROUTINE_REMAPPED;
		stack_coroutine_found.remapped += self->has_begun;
	}
	self->end = self->memory->start + bytes;
	self->shadow->lowest = (uintptr_t)self->memory->start + LEFT_FREE_BYTES;
	getcontext(&self->context);
	self->context.uc_stack.ss_sp = self->memory->start;
	self->context.uc_stack.ss_size = bytes;
	self->context.uc_link = NULL;
	/* Behind the bottom libunwind guesses by rbp, and reads where it points. */
	self->context.uc_mcontext.gregs[REG_RBP] = (greg_t)self;
	makecontext(&self->context, live, 0);
	self->has_begun = true;
}

static void make(struct coroutine *self, uint32_t number)
{
	self->shadow = stack_shadow_make();
	self->memory =
		&memories[number < OWN_STACKS ? number
					      : OWN_STACKS + (number - OWN_STACKS) % SHARED_STACKS];
	if (number < OWN_STACKS)
		return;
	self->saved = malloc(STACK_BYTES);
	if (self->saved == NULL)
		abort();
	if (self->memory->start == NULL) {
		unmap(self->memory);
		map(self->memory, STACK_BYTES);
	}
}

/* A free one, taken. */
static struct coroutine *take_one(uint32_t (*choose)(uint32_t limit))
{
	struct coroutine *self = &coroutines[choose(COROUTINES)];

	pthread_mutex_lock(&lock);
	if (self->shadow == NULL)
		make(self, (uint32_t)(self - coroutines));
	if (self->memory->is_in_use)
		self = NULL;
	else
		self->memory->is_in_use = true;
	pthread_mutex_unlock(&lock);
	return self;
}

static void give_back(struct coroutine *self)
{
	pthread_mutex_lock(&lock);
	self->memory->is_in_use = false;
	pthread_mutex_unlock(&lock);
}

static void copy_in(struct coroutine *self)
{
	memcpy(self->end - self->saved_bytes, self->saved, self->saved_bytes);
	stack_coroutine_found.copied++;
}

static void copy_out(struct coroutine *self)
{
	char *sp = (char *)self->context.uc_mcontext.gregs[REG_RSP] - RED_ZONE_BYTES;

	self->saved_bytes = (size_t)(self->end - sp);
	memcpy(self->saved, sp, self->saved_bytes);
	stack_coroutine_found.copied++;
}

bool stack_coroutine_resume(uint32_t (*choose)(uint32_t limit), void (*body)(void))
{
	struct coroutine *self = take_one(choose), *resumer = running_here();
	struct stack_shadow *resumer_shadow = stack_shadow_here();
	struct stack_exceptions *exceptions = stack_shadow_exceptions();
	struct stack_exceptions resumer_exceptions = *exceptions;

	if (self == NULL)
		return false;
	if (!self->has_begun || choose(8) == 0) {
		stack_coroutine_found.given_up += self->has_begun;
		begin(self, choose, body);
	} else {
		if (!pthread_equal(self->thread, pthread_self())) {
			stack_coroutine_found.moved++;
			self->shadow->features |= 1ull << STACK_COROUTINE_MOVED;
		}
		if (self->saved != NULL)
			copy_in(self);
	}
	if (resumer != NULL)
		self->shadow->features |= 1ull << STACK_COROUTINE_INSIDE;
	else
		self->shadow->features &= ~(1ull << STACK_COROUTINE_INSIDE);
	self->thread = pthread_self();
	stack_coroutine_found.switches++;
	*exceptions = self->exceptions;
	run_here(self);
	/* Whoever goes on says on which stack it is. */
	stack_shadow_use(NULL);
	swapcontext(&self->resumer, &self->context);
	/* In the same thread as before: we do not move while somebody whom we resumed runs. */
	stack_shadow_use(resumer_shadow);
	run_here(resumer);
	self->exceptions = *exceptions;
	*exceptions = resumer_exceptions;
	if (self->saved != NULL)
		copy_out(self);
	give_back(self);
	return true;
}

NOINLINE void stack_coroutine_yield(void)
{
	struct coroutine *self = running_here();

	stack_shadow_use(NULL);
	swapcontext(&self->context, &self->resumer);
	stack_shadow_use(self->shadow);
}
