/* SPDX-License-Identifier: Apache-2.0 */
/*
 * stack_text: a stack as lines of text.
 */
#ifndef SEEP_OUTPUT_STACK_TEXT_H
#define SEEP_OUTPUT_STACK_TEXT_H

#include <stdbool.h>
#include <stdio.h>

struct report_site;
struct text_line;
struct text_style;

/* One frame to a line, places under each other:
 *
 *     via operator new ← xmalloc
 *     open_session          server.c:88
 *     … 12 frames …
 *     main                  server.c:201
 */
void stack_text_write(FILE *stream, const struct text_style *style, const struct report_site *site,
		      int indent, bool is_full);

/* On the rest of a line: open_session server.c:88 ← handle_client ← main */
void stack_text_put_chain(struct text_line *line, const struct report_site *site);

/* On the rest of a line, the program's own frame only: open_session server.c:88 */
void stack_text_put_own(struct text_line *line, const struct report_site *site);

/* In a line of its own at column `indent`, where the own frame lies in a library of the system: called from
 * main server.c:88. Else nothing. */
void stack_text_put_caller(struct text_line *line, const struct report_site *site, int indent);

#endif
