/* SPDX-License-Identifier: Apache-2.0 */
/* captured_text: what a function writes to a stream or to a descriptor, for tests. */
#ifndef TESTS_CAPTURED_TEXT_H
#define TESTS_CAPTURED_TEXT_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Catches what goes to descriptor `fd` until captured_text_end, which returns it for free(). */
struct captured_text {
	int fd, saved_fd;
	FILE *file;
};

static inline struct captured_text captured_text_begin(int fd)
{
	struct captured_text captured = {.fd = fd, .file = tmpfile()};

	fflush(NULL);
	captured.saved_fd = dup(fd);
	dup2(fileno(captured.file), fd);
	return captured;
}

static inline char *captured_text_end(struct captured_text *captured)
{
	char *text = NULL;
	size_t bytes = 0;
	FILE *copy = open_memstream(&text, &bytes);

	fflush(NULL);
	dup2(captured->saved_fd, captured->fd);
	close(captured->saved_fd);
	rewind(captured->file);
	for (int c; (c = fgetc(captured->file)) != EOF;)
		fputc(c, copy);
	fclose(copy);
	fclose(captured->file);
	return text;
}

#endif
