/* SPDX-License-Identifier: Apache-2.0 */
/*
 * live_trend: how fast the live bytes of the process grow.
 *
 * Keeps the bytes of at most LIVE_TREND_POINTS snapshots, spread evenly over the run, the newest
 * among them. Callers hold LOCK_SNAPSHOT.
 */
#ifndef LIB_SNAPSHOT_LIVE_TREND_H
#define LIB_SNAPSHOT_LIVE_TREND_H

#include <stdint.h>

#define LIVE_TREND_POINTS 64u
/* With fewer nothing is said. */
#define LIVE_TREND_POINTS_MIN 12u

struct live_point {
	uint64_t time_ns, bytes;
};

struct live_trend {
	struct live_point points[LIVE_TREND_POINTS]; /* in order of time */
	uint32_t count;
	uint64_t spacing_ns; /* at least so far apart, but for the newest; grows with the run */
};

/* `time_ns` since the start of the run, later than all before. */
void live_trend_add(struct live_trend *trend, uint64_t time_ns, uint64_t bytes);

/* The median slope between any two points after the first 15 % of the run, in bytes an hour. 0
 * where it is not sure with 97.5 % that it rises, or there are too few points. */
uint64_t live_trend_bytes_per_hour(const struct live_trend *trend);

#endif
