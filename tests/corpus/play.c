/* SPDX-License-Identifier: Apache-2.0 */
/*
 * play: runs the kinds that are linked to it, in time with the clock.
 *
 *     PROGRAM SEED PERIODS PERIOD_MS [threads] [snapshots] KIND[=sick]...
 *     PROGRAM SEED PERIODS PERIOD_MS rounds KIND[=sick]...
 *
 * Prints what the parts have drawn, one line for each. Without `threads` the parts take turns in
 * one loop, as in a program with events; with it each has a thread of its own.
 *
 * Every step has its moment, counted from the start. A part that comes late catches up, so that the
 * amounts of a run are those of its seed, however busy the machine is. With `snapshots` the program
 * asks for one after every period itself and catches nothing up: then also the amounts of a period
 * are those of the seed. At the end nothing is freed, as in a server that is stopped.
 *
 * With `rounds` the run is the body of a test: in ROUNDS rounds of as many steps each, all parts in one
 * loop, it is asked which sites grow in every round (seep_require_no_growth). Prints how many, and which.
 */
#include "seep.h"
#include "tests/corpus/part.h"

#include <errno.h>
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define MOST_PARTS 64
#define ROUNDS 20

struct player {
	const struct kind *kind;
	struct part part;
	double noise;
};

static struct kind *kinds;
static struct player players[MOST_PARTS];
static unsigned player_count, periods;
static double period_ms;
static bool takes_snapshots;
static struct timespec start_time;

void part_offer(struct kind *kind)
{
	kind->next = kinds;
	kinds = kind;
}

static double ns_since_start(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)(now.tv_sec - start_time.tv_sec) * 1e9 +
	       (double)(now.tv_nsec - start_time.tv_nsec);
}

/* Moves the start, and with it all that is still to come, by what has been lost. */
static void catch_nothing_up(unsigned step)
{
	double late_ns = ns_since_start() - step * period_ms * 1e6 / STEPS_PER_PERIOD;
	double ns = (double)start_time.tv_nsec + fmax(0, late_ns);

	start_time.tv_sec += (time_t)(ns / 1e9);
	start_time.tv_nsec = (long)fmod(ns, 1e9);
}

static void wait_for_step(unsigned step)
{
	double ns = (double)start_time.tv_nsec + step * period_ms * 1e6 / STEPS_PER_PERIOD;
	struct timespec moment = {
		.tv_sec = start_time.tv_sec + (time_t)(ns / 1e9),
		.tv_nsec = (long)fmod(ns, 1e9),
	};

	while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &moment, NULL) == EINTR)
		;
}

static void play_step(struct player *player, unsigned step)
{
	struct part *part = &player->part;

	part->step = step;
	player->noise = 0.9 * player->noise + 0.1 * part_normal(part);
	if (!part->has_own_load)
		part->load = exp(player->noise);
	player->kind->step(part);
}

/* From the first to the player before the end. */
static void play(struct player *first, struct player *end)
{
	for (unsigned step = 0; step < periods * STEPS_PER_PERIOD; step++) {
		wait_for_step(step);
		for (struct player *player = first; player < end; player++)
			play_step(player, step);
		if (takes_snapshots && first == players && step % STEPS_PER_PERIOD == 7) {
			seep_snapshot(NULL);
			catch_nothing_up(step + 1);
		}
	}
}

static void *play_alone(void *player)
{
	play(player, (struct player *)player + 1);
	return NULL;
}

/* From `next` on, an unsigned. */
static void play_round(void *next)
{
	unsigned *step = next, end = *step + periods * STEPS_PER_PERIOD / ROUNDS;

	for (; *step < end; ++*step) {
		wait_for_step(*step);
		for (unsigned i = 0; i < player_count; i++)
			play_step(&players[i], *step);
	}
	catch_nothing_up(end);
}

static int play_rounds(void)
{
	unsigned step = 0;
	long long grown = seep_require_no_growth(ROUNDS, play_round, &step);

	printf("grown %lld\n%s", grown, seep_findings());
	return grown < 0 ? 2 : 0;
}

static void usage(const char *program)
{
	fprintf(stderr,
		"usage: %s SEED PERIODS PERIOD_MS [rounds] [threads] [snapshots] KIND[=sick]...\n"
		"kinds:",
		program);
	for (const struct kind *kind = kinds; kind; kind = kind->next)
		fprintf(stderr, " %s", kind->name);
	fprintf(stderr, "\n");
	exit(2);
}

static uint64_t hash_of(const char *text)
{
	uint64_t hash = 0xcbf29ce484222325; /* FNV-1a */

	for (; *text; text++)
		hash = (hash ^ (unsigned char)*text) * 0x100000001b3;
	return hash;
}

static void add_player(const char *program, char *word, uint64_t seed)
{
	struct player *player = &players[player_count++];
	struct part *part = &player->part;
	char *health = strchr(word, '=');

	if (health)
		*health++ = 0;
	for (player->kind = kinds; player->kind; player->kind = player->kind->next)
		if (!strcmp(player->kind->name, word))
			break;
	if (!player->kind || (health && strcmp(health, "sick")) || player_count == MOST_PARTS)
		usage(program);
	part->name = player->kind->name;
	part->is_sick = health;
	part->periods = periods;
	part->random = hash_of(word) + seed * 0x9e3779b97f4a7c15;
	part->load = 1;
	printf("%s%s seed=%lu", part->name, part->is_sick ? "=sick" : "", (unsigned long)seed);
	part->rate = part_draw_scale(part, "rate", 30, 400);
	part->usual_bytes = (size_t)part_draw_scale(part, "bytes", 16, 800);
	player->kind->start(part);
	printf("\n");
}

int main(int argc, char **argv)
{
	pthread_t threads[MOST_PARTS];
	int word = 4;
	bool has_rounds = argc > word && !strcmp(argv[word], "rounds");
	bool has_threads = !has_rounds && argc > word && !strcmp(argv[word], "threads");

	word += has_rounds || has_threads;
	takes_snapshots = argc > word && !strcmp(argv[word], "snapshots");
	word += takes_snapshots;
	if (argc <= word)
		usage(argv[0]);
	periods = (unsigned)atoi(argv[2]);
	period_ms = atof(argv[3]);
	if (periods < 1 || periods > MOST_PERIODS || period_ms <= 0)
		usage(argv[0]);
	/* Whoever started it may be gone. */
	alarm(60 + 2 * (unsigned)(periods * period_ms / 1000));
	clock_gettime(CLOCK_MONOTONIC, &start_time);
	for (; word < argc; word++)
		add_player(argv[0], argv[word], strtoull(argv[1], NULL, 10));
	fflush(stdout);
	if (has_rounds)
		return play_rounds();
	if (!has_threads) {
		play(players, players + player_count);
		return 0;
	}
	for (unsigned i = 0; i < player_count; i++)
		if (pthread_create(&threads[i], NULL, play_alone, &players[i])) {
			perror(argv[0]);
			return 2;
		}
	for (unsigned i = 0; i < player_count; i++)
		pthread_join(threads[i], NULL);
	return 0;
}
