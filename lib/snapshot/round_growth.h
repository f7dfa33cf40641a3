/* SPDX-License-Identifier: Apache-2.0 */
/*
 * round_growth: which sites keep growing over rounds of the same work.
 *
 * The first quarter of the rounds, one at least, is not judged: statics and lazy initialisation, buffers that
 * find their length. A round is also an epoch.
 */
#ifndef LIB_SNAPSHOT_ROUND_GROWTH_H
#define LIB_SNAPSHOT_ROUND_GROWTH_H

#include <stdint.h>

struct round_growth;

/* Of so many rounds; null when there is no memory. */
struct round_growth *round_growth_start(uint32_t rounds);
void round_growth_release(struct round_growth *growth);

/* How many of them are judged. */
uint32_t round_growth_judged(const struct round_growth *growth);

/* Runs work(context) where nobody else walks over the live table meanwhile, and waits for it. Returns 0, or a
 * negative errno value; then the work may still begin. */
typedef int round_growth_runner(void (*work)(void *context), void *context);

/* A round is over. Returns 0 or a negative errno value; after an error nothing more is looked at. */
int round_growth_end_round(struct round_growth *growth, round_growth_runner *run);
int round_growth_error(const struct round_growth *growth);

/* After the last one (before it, nothing has grown): calls `visit` for each site that has kept growing,
 * with what it has grown by since the warm-up. */
typedef void round_growth_visitor(uint32_t stack, uint64_t blocks, uint64_t bytes, void *context);
void round_growth_visit(const struct round_growth *growth, round_growth_visitor *visit,
			void *context);

#endif
