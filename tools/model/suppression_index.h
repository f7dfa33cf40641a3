/* SPDX-License-Identifier: Apache-2.0 */
/*
 * suppression_index: which of many suppressions may match a site.
 *
 * A hundred thousand findings and five thousand lines are half a billion comparisons of whole stacks. But
 * nearly every pattern has some letters without a wildcard between them, and matches no stack in which
 * those do not stand. So each suppression is found by three letters of its own, those that the fewest
 * others have; of the site's names each is looked at once, however many sites have it.
 */
#ifndef SEEP_MODEL_SUPPRESSION_INDEX_H
#define SEEP_MODEL_SUPPRESSION_INDEX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct report_site;
struct suppression;
struct suppressions;
struct suppression_index;

/* Of the suppressions as they are now; their texts must live as long. Null without memory. */
struct suppression_index *suppression_index_new(const struct suppressions *suppressions);
void suppression_index_free(struct suppression_index *index);
/* How many suppressions it knows. */
size_t suppression_index_count(const struct suppression_index *index);

/* The numbers of all that may match the site, in order, and of some that don't. They are the index's until the
 * next call. False without memory. */
bool suppression_index_find(struct suppression_index *index, const struct report_site *site,
			    const uint32_t **numbers, size_t *count);

/* The same of those of a baseline with one of these ids. */
bool suppression_index_find_ids(struct suppression_index *index, const char *const *ids,
				size_t id_count, const uint32_t **numbers, size_t *count);

/* Forgets the names that it has met, which go with their report. */
void suppression_index_forget(struct suppression_index *index);

#endif
