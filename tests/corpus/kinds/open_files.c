/* SPDX-License-Identifier: Apache-2.0 */
/*
 * open_files: small files are read through libc, which allocates for it. In memory, so that there
 * is no limit of descriptors.
 *
 * Sick: a file that is empty is not closed.
 *
 *   leak file_open
 *   leak line_read
 */
#include "tests/corpus/part.h"

#include <stdio.h>
#include <stdlib.h>

static double empty, files;

static SITE FILE *file_open(char *content)
{
	return part_check(fmemopen(content, 16, "r"));
}

/* The stream gets its buffer here. */
static SITE void line_read(FILE *file)
{
	char *line = NULL;
	size_t bytes = 0;

	part_require(getline(&line, &bytes, file) > 0, "line");
	free(line);
}

static void start(struct part *part)
{
	files = part->rate / 4;
	empty = part_draw_scale(part, "empty", 0.05, 0.3);
}

static void step(struct part *part)
{
	static char content[17] = "a file of a line";

	for (unsigned i = part_events(part, files); i; i--) {
		FILE *file = file_open(content);
		bool is_forgotten = part->is_sick && part_chance(part, empty);

		line_read(file);
		if (!is_forgotten)
			fclose(file);
	}
}

KIND(open_files);
