/* SPDX-License-Identifier: Apache-2.0 */
/*
 * wrong_free_stacks: who frees before who allocates, for there it is mended.
 */
#include "tools/output/wrong_free_stacks.h"

#include "tools/model/wrong_free.h"
#include "tools/output/stack_text.h"
#include "tools/output/text_line.h"

#define INDENT 4
#define STACK_INDENT 6

static void write_stack(FILE *stream, const struct text_style *style, const char *what,
			const struct report_site *site, bool is_full)
{
	struct text_line line;

	text_line_begin(&line, stream, style);
	text_line_pad(&line, INDENT);
	text_line_put(&line, INK_DIM, what);
	text_line_end(&line);
	stack_text_write(stream, style, site, STACK_INDENT, is_full);
}

void wrong_free_stacks_write(FILE *stream, const struct text_style *style,
			     const struct wrong_free *wrong, bool is_full)
{
	write_stack(stream, style, "freed by", &wrong->freed, is_full);
	if (wrong->allocated.frame_count)
		write_stack(stream, style,
			    wrong->fatal ? "the block was allocated by" : "allocated by",
			    &wrong->allocated, is_full);
}
