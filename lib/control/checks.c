/* SPDX-License-Identifier: Apache-2.0 */
/*
 * checks: what a program asks about a part of its own run, such as one test: what is lost of what it has
 * allocated since, and which sites grow in every round.
 *
 *   Runs in   the target, in any thread
 *   Locks     see helper and round_growth
 *   Memory    the text of what was found, for each thread that has found something
 *   Calls     see helper
 *   Failure   a negative errno value, and a text that says why
 */
#include <errno.h>
#include <stdatomic.h>
#include <stddef.h>

#include "lib/base/buffer.h"
#include "lib/base/life.h"
#include "lib/control/findings.h"
#include "lib/control/helper.h"
#include "lib/control/request.h"
#include "lib/control/running_rounds.h"
#include "lib/record/epoch.h"
#include "lib/record/live_block.h"
#include "lib/record/sampler.h"
#include "lib/record/thread_state.h"
#include "lib/snapshot/round_growth.h"
#include "lib/snapshot/snapshot_writer.h"

#include "lib/base/poison.h"

#define ROUNDS_MOST 100000

/* Null when there is no memory for the calling thread's state. */
static struct thread_state *own_state(void)
{
	GUARD_SCOPE struct guard guard = guard_enter();

	return guard.thread;
}

/* What the last check said goes. */
static void keep(struct buffer *text)
{
	struct thread_state *thread = own_state();

	if (thread == NULL || text->is_failed) {
		buffer_release(text);
		return;
	}
	buffer_release(&thread->findings);
	thread->findings = *text;
	*text = (struct buffer){0};
}

/* What could not be found out, where there is no other text. */
static int64_t fail(int error)
{
	struct buffer text = {0};

	findings_write_error(&text, error);
	keep(&text);
	return error;
}

const char *life_findings(void)
{
	struct thread_state *thread = life_is_on() ? own_state() : NULL;

	return thread == NULL || thread->findings.bytes == 0 ? ""
							     : (const char *)thread->findings.start;
}

int64_t life_moment(void)
{
	uint32_t epoch;

	if (!life_is_writing())
		return 0;
	epoch = atomic_fetch_add(&epoch_current, 1) + 1;
	return epoch < LIVE_BLOCK_EPOCH_MAX ? (int64_t)epoch : -EOVERFLOW;
}

int64_t life_check_since(int64_t moment)
{
	struct buffer text = {0};
	struct seep_scan found = {.struct_bytes = 0};
	int error = 0;

	if (!life_is_writing())
		return 0;
	if (moment < 0)
		return fail((int)moment);
	if (moment >= (int64_t)LIVE_BLOCK_EPOCH_MAX)
		return fail(-EINVAL);
	keep(&text);
	error = helper_is_inline() ? request_check_inline((uint32_t)moment, &found, &text)
				   : request_check((uint32_t)moment, &found, &text);
	if (error != 0)
		return fail(error);
	keep(&text);
	if (found.outcome != SEEP_SCAN_DONE || findings_are_unsure(&found))
		return -ENOTSUP;
	return (int64_t)(found.definitely_blocks + found.indirectly_blocks);
}

static void note_growth(uint32_t stack, uint64_t blocks, uint64_t bytes, void *context)
{
	found_sites_add(context,
			&(struct finding){.stack = stack, .blocks = blocks, .bytes = bytes});
}

static int run_beside(void (*work)(void *context), void *context)
{
	if (!helper_is_inline())
		return request_work(work, context);
	if (!snapshot_writer_hold())
		return -EBUSY;
	work(context);
	snapshot_writer_let_go();
	return 0;
}

void *life_begin_rounds(int rounds, uint64_t frame, int64_t *error)
{
	struct buffer none = {0};
	struct round_growth *growth;
	void *name;

	*error = 0;
	if (!life_is_writing())
		return NULL;
	keep(&none);
	/* Where that is not possible now, it is the next time. */
	if (running_rounds_are_left(frame) &&
	    run_beside(running_rounds_release_left, NULL) == -ESRCH)
		running_rounds_release_left(NULL); /* nobody else is there any more */
	if (rounds < 2 || rounds > ROUNDS_MOST)
		*error = fail(-EINVAL);
	else if (sampler_is_on)
		*error = fail(-ENOTSUP);
	if (*error != 0)
		return NULL;
	growth = round_growth_start((uint32_t)rounds);
	name = growth == NULL ? NULL : running_rounds_add(growth, frame);
	if (name != NULL)
		return name;
	if (growth != NULL)
		round_growth_release(growth);
	*error = fail(growth == NULL ? -ENOMEM : -EAGAIN);
	return NULL;
}

int64_t life_end_round(void *rounds)
{
	struct round_growth *growth = running_rounds_find(rounds);

	/* It may be a child that the body has forked: not watched, or with a helper that has yet to be made. */
	if (!life_is_writing())
		return 0;
	return growth == NULL ? -ECANCELED : round_growth_end_round(growth, run_beside);
}

int64_t life_end_rounds(void *rounds)
{
	struct round_growth *growth = running_rounds_find(rounds);
	struct found_sites found = {.count = 0};
	int error = growth == NULL ? -ECANCELED : round_growth_error(growth);
	struct buffer text = {0};

	if (error == 0 && life_is_writing()) {
		round_growth_visit(growth, note_growth, &found);
		findings_write_growth(&text, &found, round_growth_judged(growth));
		request_names(&text);
		keep(&text);
	}
	/* Where the helper has not answered it may still be at work on it. */
	if (error == -ETIMEDOUT) {
		running_rounds_leave(rounds);
	} else if (growth != NULL) {
		running_rounds_remove(rounds);
		round_growth_release(growth);
	}
	return error != 0 ? fail(error) : (int64_t)found.all;
}
