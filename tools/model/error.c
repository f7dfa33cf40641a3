/* SPDX-License-Identifier: Apache-2.0 */
/*
 * error: a sentence for a person, always one line.
 *
 * File names and labels come from outside and may hold newlines or terminal controls; they are
 * made harmless here, once, instead of wherever a sentence is made or printed.
 */
#include "tools/model/error.h"

#include <stdarg.h>
#include <stdio.h>

int error_set(struct error *error, int code, const char *format, ...)
{
	if (!error)
		return -code;

	va_list arguments;
	va_start(arguments, format);
	vsnprintf(error->text, sizeof(error->text), format, arguments);
	va_end(arguments);

	for (char *at = error->text; *at; at++) {
		unsigned char byte = (unsigned char)*at;
		if (byte < 0x20 || byte == 0x7f)
			*at = '?';
	}
	return -code;
}
