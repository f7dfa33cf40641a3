/* SPDX-License-Identifier: Apache-2.0 */
/*
 * holder_text: who holds the blocks of a site, in words.
 *
 *     g_server.sessions.table[…] (server.c) → node of list_push list.c:9 (up to ×999) → this
 *     stacks of 12 threads in worker_main server.c:41 → this
 */
#ifndef SEEP_OUTPUT_HOLDER_TEXT_H
#define SEEP_OUTPUT_HOLDER_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

struct report;
struct report_site;
struct text_style;

/* Ways that read the same. */
struct holder_text {
	char *path;
	double share; /* of the blocks that were drawn */
	/* another site on the way that is flagged or grows, or null */
	const struct report_site *through;
};

struct holder_texts {
	struct holder_text *texts; /* the largest share first; null where nothing is known */
	size_t count;
};

/* Null for whole names, as programs want them; `style`: names as a person reads them. False without
 * memory. Once symbols have been filled in. */
bool holder_texts_make(struct holder_texts *texts, const struct report *report,
		       const struct report_site *site, const struct text_style *style);
void holder_texts_free(struct holder_texts *texts);

/* One or two lines below the reasons of a site that grows, more of them where `is_full`; nothing where
 * nobody is known to hold it. */
void holder_text_write(FILE *stream, const struct text_style *style, const struct report *report,
		       const struct report_site *site, int indent, bool is_full);

#endif
