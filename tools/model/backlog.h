/* SPDX-License-Identifier: Apache-2.0 */
/*
 * backlog: ever more lives, whether any of it is kept or not.
 *
 * What is kept is asked first (see rise.h), but that does not always show: all of a queue that is not
 * worked off in time is freed some day; and where a full cache evicts so late that the survivors of its
 * first fill are still dying, or fade away, a small leak in it is seen in the sum only. More is asked
 * here than of blocks that are known to be kept, for most of what becomes more for a while does not go on:
 *
 *   it rises without any doubt, hardly ever falls, and is more than ever before;
 *   not because more is allocated;
 *   and it goes on: clearly evener than what comes ever more seldom; or it has slowed down once and
 *   clearly does so no more; or its blocks live ever longer, which those of a cache or of sessions that
 *   are only not full yet do not.
 */
#ifndef SEEP_MODEL_BACKLOG_H
#define SEEP_MODEL_BACKLOG_H

struct inquiry;
struct rise;

/* A rise without doubt; DOUBT_RISES where nobody knows whether it goes on; or nothing there. */
void backlog_find(const struct inquiry *inquiry, struct rise *rise);

#endif
