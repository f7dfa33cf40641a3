/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tests_briefly: what a unit test does in some ten milliseconds: it sets up, compares, tears down, and
 * leaves what it has set up once.
 *
 *     tests_briefly ROUNDS
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct entry {
	struct entry *next;
	char name[24];
	unsigned long value;
};

#define ENTRIES 64

static char **names; /* once, for all rounds: reachable at the end */

static char *copy_of(const char *text)
{
	return strcpy(malloc(strlen(text) + 1), text);
}

static void set_up(void)
{
	char name[24];

	names = calloc(ENTRIES, sizeof(*names));
	for (int i = 0; i < ENTRIES; i++) {
		snprintf(name, sizeof(name), "entry %d", i);
		names[i] = copy_of(name);
	}
}

static struct entry *add(struct entry *list, const char *name, unsigned long value)
{
	struct entry *entry = calloc(1, sizeof(*entry));

	snprintf(entry->name, sizeof(entry->name), "%s", name);
	entry->value = value;
	entry->next = list;
	return entry;
}

static unsigned long tear_down(struct entry *list)
{
	unsigned long sum = 0;

	while (list) {
		struct entry *next = list->next;
		sum += list->value;
		free(list);
		list = next;
	}
	return sum;
}

static int test_round(unsigned long round)
{
	struct entry *list = NULL;
	unsigned long wanted = 0;

	for (unsigned long i = 0; i < ENTRIES; i++) {
		list = add(list, names[i], round + i);
		wanted += round + i;
	}
	for (int i = 0; i < ENTRIES; i++) {
		const struct entry *entry = list;
		while (entry && strcmp(entry->name, names[i]) != 0)
			entry = entry->next;
		if (!entry)
			return 0;
	}
	return tear_down(list) == wanted;
}

int main(int argc, char **argv)
{
	unsigned long rounds = argc > 1 ? strtoul(argv[1], NULL, 10) : 0;

	set_up();
	for (unsigned long round = 0; round < rounds; round++)
		if (!test_round(round))
			return 1;
	return 0;
}
