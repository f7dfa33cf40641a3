/* SPDX-License-Identifier: Apache-2.0 */
/*
 * simulated_site: sites that leak and healthy ones that resemble them, by class and seed.
 *
 * A site is a table of blocks by snapshot and period of birth, made block count by block count from
 * a rule for births and a rule for deaths; simulated_profile makes of it what a snapshot file would
 * say, with old epochs merged as the library merges them. Times are in periods: with a regular
 * schedule a period lasts 1, with the automatic one a sixteenth of the run so far, at least 1.
 */
#ifndef TESTS_SIMULATED_SITE_H
#define TESTS_SIMULATED_SITE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tests/corpus/simulated/simulated_random.h"
#include "tools/model/profile.h"

#define SIMULATED_MAX_PERIODS 200

/* One line per class: its rule (a function in simulated_site.c), whether it leaks, its name. The
 * first 13 are those with which the scores were compared in the beginning; those from
 * SIMULATED_TUNED_COUNT on were written when all constants of the verdict had their values. */
#define SIMULATED_CLASSES(X)                                                                       \
	X(short_lives, false, "short lives")                                                       \
	X(medium_lives, false, "medium lives")                                                     \
	X(long_sessions, false, "long sessions")                                                   \
	X(warm_up, false, "warm-up")                                                               \
	X(slow_warm_up, false, "slow warm-up")                                                     \
	X(pool_in_steps, false, "pool in steps")                                                   \
	X(cache, false, "cache, evicting")                                                         \
	X(sawtooth, false, "sawtooth")                                                             \
	X(linear_leak, true, "linear leak")                                                        \
	X(slow_leak, true, "slow leak")                                                            \
	X(late_leak, true, "late leak")                                                            \
	X(burst_leak, true, "leak in bursts")                                                      \
	X(leak_among_sessions, true, "leak among sessions")                                        \
	X(filling_cache, false, "cache that fills, then evicts")                                   \
	X(interned_names, false, "interned names, Zipf")                                           \
	X(expiring_cache, false, "cache with expiry by age")                                       \
	X(daily_traffic, false, "periodic traffic by day")                                         \
	X(high_water_pool, false, "pool at its high-water mark")                                   \
	X(staircase_table, false, "hash table in doublings, full")                                 \
	X(high_water_buffer, false, "buffer at its longest so far")                                \
	X(very_long_sessions, false, "very long sessions")                                         \
	X(load_step_sessions, false, "sessions under changing load")                               \
	X(long_sawtooth, false, "long or irregular sawtooth")                                      \
	X(arena_growth, false, "arena that grows, then suffices")                                  \
	X(backlog, false, "queue near saturation")                                                 \
	X(lazy_parts, false, "parts made at first use")                                            \
	X(busy_warm_up, false, "slow warm-up under traffic")                                       \
	X(heavy_tail, false, "lives with a heavy tail")                                            \
	X(leak_in_busy_site, true, "small part of a busy site")                                    \
	X(leak_in_full_site, true, "leak in a well-filled site")                                   \
	X(leak_in_cache, true, "leak in an evicting cache")                                        \
	X(leak_in_long_sessions, true, "leak among very long sessions")                            \
	X(leak_by_load, true, "leak proportional to load")                                         \
	X(lengthening_buffer, true, "realloc ever longer")                                         \
	X(appended_buffers, true, "buffers appended now and then")                                 \
	X(endless_cache, true, "cache without a bound")                                            \
	X(rare_leak, true, "leak on a rare event")                                                 \
	X(quickening_leak, true, "leak that quickens")                                             \
	X(leak_in_sawtooth, true, "leak in a sawtooth")                                            \
	X(leak_going_idle, true, "leak while load falls")                                          \
	X(leak_by_day, true, "leak in the busy half of the day")                                   \
	X(leak_after_start, true, "leak above a large start-up")                                   \
	X(doubling_vector, true, "vector in doublings, for ever")                                  \
	X(ramp_sessions, false, "sessions, load three times as high")                              \
	X(reloaded_table, false, "table made anew at each reload")                                 \
	X(code_cache, false, "code cache, rate 1/t")                                               \
	X(undo_history, false, "history of the last so many")                                      \
	X(write_buffer, false, "buffer flushed when it is full")                                   \
	X(memory_in_use, false, "random walk of what is in use")                                   \
	X(timer_leak, true, "leak by a timer")                                                     \
	X(leak_by_reload, true, "leak of the old table at each reload")                            \
	X(half_cleaned, true, "leak of which half is found and freed")                             \
	X(changing_leak, true, "leak whose rate changes")                                          \
	X(leak_in_backlog, true, "leak in a queue near saturation")                                \
	X(leak_in_random_walk, true, "leak in what is in use")

enum simulated_class {
#define SIMULATED_NAME(rule, leaks, name) SIMULATED_##rule,
	SIMULATED_CLASSES(SIMULATED_NAME)
#undef SIMULATED_NAME
		SIMULATED_CLASS_COUNT
};
#define SIMULATED_FIRST_COUNT 13
#define SIMULATED_TUNED_COUNT (SIMULATED_doubling_vector + 1)

extern const char *const simulated_names[SIMULATED_CLASS_COUNT];
extern const bool simulated_leaks[SIMULATED_CLASS_COUNT];

struct simulated_site {
	size_t periods;
	bool is_automatic; /* the schedule */
	struct random_source random;
	double end[SIMULATED_MAX_PERIODS];    /* of each period */
	double length[SIMULATED_MAX_PERIODS]; /* of each period */
	double load[SIMULATED_MAX_PERIODS];   /* work per time in it, around 1 */
	double rate;			      /* allocations per time at load 1 */
	uint64_t births[SIMULATED_MAX_PERIODS];
	uint64_t others[SIMULATED_MAX_PERIODS]; /* allocations of the rest of the program */
	/* At the end of period t, born in period b. Where bytes is 0, blocks have block_bytes. */
	uint64_t blocks[SIMULATED_MAX_PERIODS][SIMULATED_MAX_PERIODS];
	uint64_t bytes[SIMULATED_MAX_PERIODS][SIMULATED_MAX_PERIODS];
	double block_bytes;
	double sample_bytes; /* 0: all blocks are observed */
};

/* Site `number` of a class. */
void simulated_site_make(struct simulated_site *site, enum simulated_class class, size_t periods,
			 bool is_automatic, uint64_t seed, uint64_t number);

/* Makes it a site of a process that samples: of its blocks one in about `sample_bytes` allocated is
 * observed, and counts for as many as it stands for. */
void simulated_site_sample(struct simulated_site *site, double sample_bytes);

/* What a snapshot file would say of it: one site, its profile, and where they lie. */
struct simulated_profile {
	struct profile profile;
	struct site site;
	struct snapshot snapshots[SIMULATED_MAX_PERIODS];
	struct site_point points[SIMULATED_MAX_PERIODS];
	struct cohort cohorts[SIMULATED_MAX_PERIODS][SIMULATED_MAX_PERIODS];
};

/* `period_s` seconds per unit of time. */
void simulated_profile_make(struct simulated_profile *made, const struct simulated_site *site,
			    double period_s);

#endif
