/* SPDX-License-Identifier: Apache-2.0 */
/*
 * unjoined_threads: each task gets a thread, which is joined when its answer is needed.
 *
 * Sick: some answers are not needed, and nobody joins their threads. libc keeps what it has
 * allocated for a thread until then.
 *
 *   leak task_start
 */
#include "tests/corpus/part.h"

#include <pthread.h>
#include <stdlib.h>

/* A thread that is not joined also keeps its stack. */
#define STACK_BYTES (64 * 1024)

struct task {
	struct due due;
	pthread_t thread;
};

static struct calendar answers;
static pthread_attr_t attributes;
static double tasks, life, unneeded;

static void *work(void *unused)
{
	return unused;
}

static SITE void task_start(struct task *task)
{
	part_require(!pthread_create(&task->thread, &attributes, work, NULL), "thread");
}

static void start(struct part *part)
{
	pthread_attr_init(&attributes);
	pthread_attr_setstacksize(&attributes, STACK_BYTES);
	tasks = part_draw_scale(part, "tasks", 2, 10);
	life = part_draw_scale(part, "life", 0.1, 1);
	unneeded = part_draw_scale(part, "unneeded", 0.2, 0.7);
}

static void step(struct part *part)
{
	struct due *due;

	while ((due = calendar_take(&answers, part))) {
		struct task *task = (struct task *)due;

		if (!(part->is_sick && part_chance(part, unneeded)))
			pthread_join(task->thread, NULL);
		free(task);
	}
	for (unsigned i = part_events(part, tasks); i; i--) {
		struct task *task = part_check(malloc(sizeof(*task)));

		task_start(task);
		calendar_add(&answers, part, &task->due, part_exponential(part, life));
	}
}

KIND(unjoined_threads);
