/* SPDX-License-Identifier: Apache-2.0 */
/*
 * life: whether the library records at this moment.
 *
 * The switch is a word on a page that a fork wipes, also a fork by a raw clone. So the one test at
 * the beginning of every recording function finds out three rare things for the price of one load:
 * the library has not started yet, it is switched off, or this is a forked child that does not know
 * it yet. life_wake_slow (start.c) tells them apart.
 */
#ifndef LIB_BASE_LIFE_H
#define LIB_BASE_LIFE_H

#include <stdbool.h>
#include <stdint.h>

enum life_switch {
	LIFE_ASLEEP = 0, /* not started, or just forked */
	LIFE_ON = 1,
	LIFE_OFF = 2, /* transparent for good */
};

extern volatile uint32_t *life_switch_word __attribute__((visibility("hidden")));

/* A thread calls life_tick_slow when the number of its allocations is a multiple of this mask + 1;
 * on the page of the switch too. Small while a forked child has no file yet, so that it gets one
 * soon; not from its first allocation on, for many only exec. */
#define LIFE_TICK_MASK (life_switch_word[1])
#define LIFE_TICK_MASK_YOUNG 7u
#define LIFE_TICK_MASK_GROWN 1023u

/* Starts what has not been started. True when recording is on afterwards. */
bool life_wake_slow(void);

static inline bool life_is_on(void)
{
	return __builtin_expect(*life_switch_word == LIFE_ON, 1) || life_wake_slow();
}

/* Called now and then by allocating threads, outside of any lock. */
void life_tick_slow(void);

/* Around exec in this process, or in a vfork child that shares its memory (then they do nothing).
 */
void life_before_exec(void);
void life_exec_failed(void);

/* The process is about to end with this status, without running exit handlers. */
void life_before_exit(int status);

/* mlockall, of all memory but ours. Returns 0 or a negative errno value. */
int life_lock_memory(int flags);

/* Whether this process records and has a file; makes that if it can be made now. */
bool life_is_writing(void);

/* The program is about to change its root or its limits: makes the file while it can. `hides_folder`: its forks
 * will not get at the folder of the files. */
void life_before_confinement(bool hides_folder);

/* The same before it changes its user; tells the helper, too. */
void life_before_identity(void);

/* Looks which blocks are lost, and waits for the result. Returns how many are, definitely or indirectly; 0
 * when nobody is watching; or a negative errno value when nobody could look. With `is_last` nobody looks
 * again: not by another such call, and not when the process ends. */
int64_t life_look_for_leaks(const char *label, bool is_last);

/* For include/seep.h; what each of them means is said there. */
int64_t life_moment(void);
int64_t life_check_since(int64_t moment);
const char *life_findings(void);

/* Of the growth check: null where nobody is watching, or *error says why not. The result of life_end_round is 0
 * or a negative errno value; life_end_rounds returns how many sites have grown, and releases. */
void *life_begin_rounds(int rounds, uint64_t frame, int64_t *error);
int64_t life_end_round(void *rounds);
int64_t life_end_rounds(void *rounds);

#endif
