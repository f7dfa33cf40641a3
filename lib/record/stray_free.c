/* SPDX-License-Identifier: Apache-2.0 */
/*
 * stray_free: what is given to free although no block that we know begins there, while free has it.
 *
 * That a note is still there when the process has ended does not say that its free has ended it: another thread
 * may have. libc says so: before it ends the program it puts its words where __abort_msg points, which are
 * others than when this free began. Two such notes at once say nothing. What is only found with an arena of
 * malloc's locked says nothing where there are other threads: a note may be of one that waits for that.
 *
 *   Runs in   the target, inside free, for what is not recorded; read by whoever writes the last state
 *   Locks     none; a place is taken with compare-and-swap
 *   Memory    static
 *   Calls     nothing else
 *   Failure   without a place nothing is noted
 */
#include "lib/record/stray_free.h"

#include <stddef.h>

#include "lib/base/text.h"
#include "lib/record/thread_state.h"

#include "lib/base/poison.h"

#define PLACES 16u
/* Who frees more of what we do not know has an allocator of its own, and none of these is a mistake. */
#define WANTED_MAX 4096u

struct stray_free {
	_Atomic(uint32_t) tid;	 /* 0: empty */
	_Atomic(uint32_t) stack; /* written last; CALL_TREE_ROOT (0): not yet */
	uint64_t addr;
	const void *message_before;
};

const void *const *stray_free_abort_message;
_Atomic(uint32_t) stray_free_pending;
static _Atomic(uint32_t) seen;
static struct stray_free places[PLACES];

static const void *message_now(void)
{
	return __atomic_load_n(stray_free_abort_message, __ATOMIC_RELAXED);
}

bool stray_free_is_wanted(void)
{
	return stray_free_abort_message != NULL &&
	       atomic_load_explicit(&seen, memory_order_relaxed) < WANTED_MAX;
}

struct stray_free *stray_free_begin(uint64_t addr, uint32_t stack, uint32_t tid)
{
	atomic_fetch_add_explicit(&seen, 1, memory_order_relaxed);
	for (uint32_t i = 0; i < PLACES; i++) {
		struct stray_free *stray = &places[i];
		uint32_t none = 0;

		if (!atomic_compare_exchange_strong(&stray->tid, &none, tid))
			continue;
		stray->addr = addr;
		stray->message_before = message_now();
		atomic_fetch_add(&stray_free_pending, 1);
		atomic_store(&stray->stack, stack);
		return stray;
	}
	return NULL;
}

void stray_free_end(struct stray_free *stray)
{
	atomic_store(&stray->stack, 0);
	atomic_fetch_sub(&stray_free_pending, 1);
	atomic_store(&stray->tid, 0);
}

void stray_free_leave_slow(uint32_t tid)
{
	for (uint32_t i = 0; i < PLACES; i++)
		if (atomic_load(&places[i].tid) == tid)
			stray_free_end(&places[i]);
}

/* Words that mean the pointer and not what lies beside it. */
static bool is_of_free(const char *words)
{
	static const char *const begins[] = {"free(): ", "double free or corruption",
					     "munmap_chunk(): "};

	for (size_t i = 0; i < sizeof(begins) / sizeof(begins[0]); i++)
		if (text_begins_with(words, begins[i]))
			return true;
	return false;
}

/* Found with the arena locked, for which others may be waiting, of whom one may free what we do not know
 * (_int_free in glibc's malloc/malloc.c). */
static bool is_found_locked(const char *words)
{
	return (text_begins_with(words, "double free or corruption (") &&
		!text_begins_with(words, "double free or corruption (fasttop)")) ||
	       text_begins_with(words, "free(): invalid next size (normal)") ||
	       text_begins_with(words, "free(): corrupted unsorted chunks");
}

/* Of threads that allocate. One that has ended may be taken for one that still is. */
static bool is_alone(uint32_t tid)
{
	for (uint32_t i = 0; i < thread_state_count(); i++) {
		const struct thread_state *thread = thread_state_at(i);
		uint32_t owner = thread == NULL ? 0 : atomic_load(&thread->owner_tid);

		if (owner != 0 && owner != tid)
			return false;
	}
	return true;
}

/* The first line of libc's struct abort_msg_s: a length, and the text. */
static void copy_message(char message[STRAY_FREE_MESSAGE_BYTES], const void *from)
{
	const char *text = (const char *)from + sizeof(uint32_t);
	size_t bytes = 0;

	for (; bytes < STRAY_FREE_MESSAGE_BYTES - 1 && text[bytes] >= ' ' && text[bytes] <= '~';
	     bytes++)
		message[bytes] = text[bytes];
	message[bytes] = 0;
}

bool stray_free_find_fatal(struct fatal_free *fatal)
{
	const struct stray_free *found = NULL;
	const void *message = stray_free_abort_message != NULL ? message_now() : NULL;

	for (uint32_t i = 0; message != NULL && i < PLACES; i++) {
		const struct stray_free *stray = &places[i];

		if (atomic_load(&stray->stack) == 0 || stray->message_before == message)
			continue;
		if (found != NULL)
			return false;
		found = stray;
	}
	if (found == NULL)
		return false;
	fatal->addr = found->addr;
	fatal->stack = atomic_load(&found->stack);
	copy_message(fatal->message, message);
	return is_of_free(fatal->message) &&
	       (!is_found_locked(fatal->message) || is_alone(atomic_load(&found->tid)));
}

void stray_free_postfork_child(void)
{
	for (uint32_t i = 0; i < PLACES; i++) {
		atomic_store(&places[i].stack, 0);
		atomic_store(&places[i].tid, 0);
	}
	atomic_store(&stray_free_pending, 0);
	atomic_store(&seen, 0);
}
