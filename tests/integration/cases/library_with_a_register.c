/* SPDX-License-Identifier: Apache-2.0 */
/*
 * library_with_a_register: a list that only its functions know.
 */
#include <stdlib.h>

struct entry {
	struct entry *next;
	void *value;
};

static struct {
	int count;
	struct entry *first;
} entries;

void register_value(void *value);

void register_value(void *value)
{
	struct entry *entry = malloc(sizeof(struct entry));

	entry->value = value;
	entry->next = entries.first;
	entries.first = entry;
	entries.count++;
}
