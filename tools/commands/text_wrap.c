/* SPDX-License-Identifier: Apache-2.0 */
/* text_wrap: words into lines. One byte is one column: the help texts are ASCII, a test sees to it.
 */
#include "tools/commands/text_wrap.h"

#include <string.h>

void text_wrap(FILE *out, const char *text, int column, int indent)
{
	int is_line_empty = 1;

	for (text += strspn(text, " \n"); *text; text += strspn(text, " \n")) {
		int width = (int)strcspn(text, " \n");
		if (!is_line_empty && column + 1 + width > TEXT_WRAP_COLUMNS) {
			fputc('\n', out);
			column = 0;
			is_line_empty = 1;
		}
		if (is_line_empty && column < indent)
			column += fprintf(out, "%*s", indent - column, "");
		else if (!is_line_empty)
			column += fprintf(out, " ");
		column += fprintf(out, "%.*s", width, text);
		is_line_empty = 0;
		text += width;
	}
	fputc('\n', out);
}

void text_wrap_paragraphs(FILE *out, const char *text, int indent)
{
	char paragraph[4096];

	while (*text) {
		const char *end = strstr(text, "\n\n");
		size_t length = end ? (size_t)(end - text) : strlen(text);
		if (*text == ' ' || length >= sizeof(paragraph)) {
			fprintf(out, "%.*s\n", (int)length, text);
		} else {
			memcpy(paragraph, text, length);
			paragraph[length] = '\0';
			text_wrap(out, paragraph, 0, indent);
		}
		text += length;
		if (end) {
			fputc('\n', out);
			text += 2;
		}
	}
}
