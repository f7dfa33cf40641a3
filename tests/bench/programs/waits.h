/* SPDX-License-Identifier: Apache-2.0 */
/*
 * waits: the longest waits of a thread, apart by what the program was doing meanwhile.
 *
 * Not every wait is seep's: those in which the kernel gave the processor to somebody else are counted
 * apart (`preempted`), and those with a page fault have a maximum of their own, too. A voluntary switch
 * is a wait for a lock, or a stop, and counts. Under a hypervisor, time that the host takes cannot be
 * told from waiting; a quiet phase shows how much that is.
 */
#ifndef TESTS_BENCH_WAITS_H
#define TESTS_BENCH_WAITS_H

#include <sys/resource.h>

#include "tests/bench/programs/stopwatch.h"

/* Shorter ones are not looked at more closely: any switch takes longer. */
#define WAITS_SUSPECT_NS 3000.0

struct waits {
	double longest_ns; /* of all but the preempted ones */
	double longest_with_fault_ns, longest_preempted_ns;
	long count, over_1ms, preempted;
};

static inline void waits_note(struct waits *its, double ns, const struct rusage *before,
			      const struct rusage *after)
{
	if (after->ru_nivcsw != before->ru_nivcsw) {
		its->preempted++;
		if (ns > its->longest_preempted_ns)
			its->longest_preempted_ns = ns;
		return;
	}
	if (ns > its->longest_ns)
		its->longest_ns = ns;
	if (ns > 1e6)
		its->over_1ms++;
	if ((after->ru_minflt != before->ru_minflt || after->ru_majflt != before->ru_majflt) &&
	    ns > its->longest_with_fault_ns)
		its->longest_with_fault_ns = ns;
}

/* Whoever waits, from one look at the clock to the next. */
struct waits_watch {
	struct rusage known;
	double last_ns;
};

static inline void waits_start(struct waits_watch *watch)
{
	getrusage(RUSAGE_THREAD, &watch->known);
	watch->last_ns = WALL_NS();
}

/* Counts what lies between the last look and this one to its phase. One reading of the clock ends a wait
 * and begins the next, so that no switch falls between. */
static inline void waits_lap(struct waits_watch *watch, struct waits *its)
{
	double next_ns = WALL_NS();

	if (next_ns - watch->last_ns > WAITS_SUSPECT_NS) {
		struct rusage now;

		getrusage(RUSAGE_THREAD, &now);
		waits_note(its, next_ns - watch->last_ns, &watch->known, &now);
		watch->known = now;
		next_ns = WALL_NS();
	}
	its->count++;
	watch->last_ns = next_ns;
}

/* As fields of JSON whose names begin so, each with a comma behind it. */
static inline void waits_print(const char *name, const struct waits *its)
{
	printf("\"%s_ms\":%.4f,\"%s_fault_ms\":%.4f,\"%s_preempted_ms\":%.4f,\"%s_count\":%ld,"
	       "\"%s_over_1ms\":%ld,\"%s_preempted\":%ld,",
	       name, its->longest_ns / 1e6, name, its->longest_with_fault_ns / 1e6, name,
	       its->longest_preempted_ns / 1e6, name, its->count, name, its->over_1ms, name,
	       its->preempted);
}

#endif
