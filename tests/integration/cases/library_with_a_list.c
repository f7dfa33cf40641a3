/* SPDX-License-Identifier: Apache-2.0 */
/*
 * library_with_a_list: a list that only the library itself can reach. For
 * keeps_in_list_of_a_library and its twin.
 */
#include <stdlib.h>

struct entry {
	struct entry *next;
	void *value;
};

static struct entry *entries;

void library_add(void *value)
{
	struct entry *entry = malloc(sizeof(*entry));

	if (!entry)
		abort();
	*entry = (struct entry){.next = entries, .value = value};
	entries = entry;
}

void library_forget(void)
{
	entries = NULL;
}
