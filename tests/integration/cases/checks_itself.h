/* SPDX-License-Identifier: Apache-2.0 */
/*
 * checks_itself: bodies of tests that check themselves through seep.h, each with its clean twin; in C and C++.
 */
#ifndef CASES_CHECKS_ITSELF_H
#define CASES_CHECKS_ITSELF_H

#include <stdio.h>
#include <string.h>

#include "scan_point.h"
#ifdef IS_HIDDEN /* as in a library that hides whatever it does not name */
#pragma GCC visibility push(hidden)
#endif
#include "seep.h"
#ifdef IS_HIDDEN
#pragma GCC visibility pop
#endif

struct pair {
	struct pair *other;
	char text[56];
};

static struct pair *volatile kept;
static struct pair *list;

APART static struct pair *make_pair(void)
{
	struct pair *head = (struct pair *)calloc(1, sizeof(*head));

	head->other = (struct pair *)calloc(1, 40);
	kept = head;
	return head;
}

APART static void lose_pair(void)
{
	make_pair();
	kept = NULL;
}

APART static void free_pair(void)
{
	struct pair *head = make_pair();

	free(head->other);
	free(head);
	kept = NULL;
}

APART static struct pair *make_node(void)
{
	struct pair *one = (struct pair *)calloc(1, sizeof(*one));

	return one;
}

static void keep_node(struct pair *one)
{
	one->other = list;
	list = one;
}

APART static void keep_one(void *unused)
{
	(void)unused;
	keep_node(make_node());
}

/* The first ten are kept, and there are no more: a cache that is full. */
APART static void keep_ten(void *count)
{
	if (++*(int *)count <= 10)
		keep_one(NULL);
}

/* All of it goes now and then: more after most of the rounds, but not after all. */
APART static void keep_for_some_rounds(void *count)
{
	keep_one(NULL);
	if (++*(int *)count % 6 != 0)
		return;
	while (list != NULL) {
		struct pair *one = list;

		list = one->other;
		free(one);
	}
}

/* What is busy is not the same each time, and so there is not more after each round; but two are left of it. */
APART static void keep_some(void *count)
{
	static struct pair *waiting[8];
	static unsigned random = 1;

	for (int i = 0; i < 40; i++) {
		unsigned place = (random = random * 1103515245 + 12345) >> 16 & 7;

		free(waiting[place]);
		waiting[place] = NULL;
		if ((random >> 24 & 1) != 0)
			waiting[place] = make_node();
		if (i % 20 == 0)
			keep_node(make_node());
	}
	++*(int *)count;
}

/* One line for each check: how many were found, and the first line of what is told. */
APART static void tell(const char *what, long long found)
{
	const char *findings = seep_findings();
	int first = (int)strcspn(findings, "\n");

	printf("%s %lld%s%.*s\n", what, found, first > 0 ? " " : "", first, findings);
	fflush(stdout);
}

APART static void tell_body(const char *what, void (*body)(void))
{
	long long moment = seep_moment();

	body();
	wipe_traces();
	tell(what, seep_check_since(moment));
}

APART static void tell_growth(const char *what, int rounds, void (*body)(void *))
{
	int count = 0;
	long long found = seep_require_no_growth(rounds, body, &count);

	tell(what, found);
	if (body == keep_ten)
		printf("%d rounds\n", count);
}

APART static void check_all(void)
{
	long long start = seep_moment();

	printf("%s\n", seep_is_watching() && start > 0 ? "watched" : "alone");
	tell("nothing yet", seep_check_since(start));
	tell_body("loses", lose_pair);
	tell_body("frees", free_pair);
	/* What was lost before is not found again, but of course since then. */
	tell("since the start", seep_check_since(start));
	tell_growth("grows", 8, keep_one);
	tell_growth("is full", 20, keep_ten);
	tell_growth("goes again", 20, keep_for_some_rounds);
	tell_growth("is busy", 20, keep_some);
	tell_growth("too few", 1, keep_one);
}

#endif
