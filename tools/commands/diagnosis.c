/* SPDX-License-Identifier: Apache-2.0 */
/*
 * diagnosis: what speaks for and against following a program, one statement a line.
 */
#include "tools/commands/diagnosis.h"

#include <stdarg.h>

#include "tools/output/text_line.h"

#define INDENT 8

void diagnosis_add(struct diagnosis *diagnosis, enum diagnosis_grade grade, const char *format, ...)
{
	va_list values;

	if (diagnosis->count == DIAGNOSIS_STATEMENTS_MAX)
		return;
	struct diagnosis_statement *statement = &diagnosis->statements[diagnosis->count++];
	statement->grade = grade;
	va_start(values, format);
	vsnprintf(statement->text, sizeof(statement->text), format, values);
	va_end(values);
}

enum diagnosis_grade diagnosis_grade(const struct diagnosis *diagnosis)
{
	enum diagnosis_grade worst = DIAGNOSIS_OK;

	for (size_t i = 0; i < diagnosis->count; i++)
		if (diagnosis->statements[i].grade > worst)
			worst = diagnosis->statements[i].grade;
	return worst;
}

void diagnosis_write(FILE *stream, const struct text_style *style,
		     const struct diagnosis *diagnosis)
{
	static const struct {
		const char *lead;
		enum ink ink;
	} grades[] = {
		[DIAGNOSIS_OK] = {"  ok    ", INK_CALM},
		[DIAGNOSIS_NOTE] = {"  note  ", INK_NOTE},
		[DIAGNOSIS_WARNING] = {"  but   ", INK_WATCH},
		[DIAGNOSIS_NO] = {"  no    ", INK_ALARM},
	};

	for (size_t i = 0; i < diagnosis->count; i++) {
		const struct diagnosis_statement *statement = &diagnosis->statements[i];
		text_paragraph(stream, style, grades[statement->grade].ink,
			       grades[statement->grade].lead, INDENT, statement->text);
	}
}
