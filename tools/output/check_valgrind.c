/* SPDX-License-Identifier: Apache-2.0 */
/*
 * check_valgrind: what is found, in the lines of Valgrind's memcheck, for programs that read those.
 *
 * CTest counts them for its MemCheck step (ProcessMemCheckValgrindOutput in cmCTestMemCheckHandler.cxx):
 * "definitely lost in loss record" is a memory leak, "still reachable in loss record" a potential one.
 * What accumulates and can be reached is the latter; what shall not fail is no loss record. What is freed
 * by the wrong family is a "Mismatched free()" there, too, and what is no block that can be freed an "Invalid
 * free()". Each line begins with ==PID==, of the first process that it was found in.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <unistd.h>

#include "tools/output/check_format.h"
#include "tools/output/finding_brief.h"
#include "tools/output/number_text.h"
#include "tools/output/utf8.h"

/* A name must not begin a line of its own. */
static void put(FILE *stream, const char *bytes)
{
	char *valid = utf8_valid_copy(bytes), character[UTF8_MAX_BYTES];
	const char *next = valid ? valid : "";

	for (uint32_t read = utf8_next(&next); read; read = utf8_next(&next)) {
		size_t length = utf8_put(utf8_is_unsafe(read) ? ' ' : read, character);
		fwrite(character, 1, length, stream);
	}
	free(valid);
}

static void begin_line(FILE *stream, const struct merged_finding *finding)
{
	fprintf(stream, "==%" PRIu32 "== ", finding->processes[0]->pid);
}

static void write_empty_line(FILE *stream, const struct merged_finding *finding)
{
	begin_line(stream, finding);
	fputc('\n', stream);
}

static void write_commands(FILE *stream, const struct merged_finding *finding)
{
	for (size_t i = 0; i < finding->process_count; i++) {
		const struct found_process *process = finding->processes[i];

		begin_line(stream, finding);
		fputs("Command:", stream);
		for (size_t word = 0; word < process->command_count; word++) {
			fputc(' ', stream);
			put(stream, process->command[word]);
		}
		fputc('\n', stream);
	}
	write_empty_line(stream, finding);
}

static void write_frame(const struct check_writer *writer, const struct merged_finding *finding,
			size_t index)
{
	const struct frame *frame = &finding->frames[index];
	FILE *stream = writer->stream;

	begin_line(stream, finding);
	fprintf(stream, "   %s 0x%" PRIX64 ": ", index ? "by" : "at", frame->offset);
	put(stream, frame->function ? frame->function : "???");
	if (frame->file) {
		fputs(" (", stream);
		put(stream, finding_path_below(frame->file, writer->folder));
		fprintf(stream, ":%d)", frame->line);
	} else if (frame->module) {
		fputs(" (in ", stream);
		put(stream, frame->module);
		fputc(')', stream);
	}
	fputc('\n', stream);
}

static void write_title(FILE *stream, const struct merged_finding *finding)
{
	char title[FINDING_TITLE_BYTES];

	begin_line(stream, finding);
	merged_finding_title(finding, title);
	put(stream, title);
	fputc('\n', stream);
}

/* `number` and `count` are of the loss records; 0: it is none. */
static void write_finding(const struct check_writer *writer, const struct merged_finding *finding,
			  bool fails, size_t number, size_t count)
{
	bool is_lost = finding->rule == FINDING_RULE_LOST;
	bool is_misuse = finding->rule == FINDING_RULE_MISUSE && fails;
	FILE *stream = writer->stream;

	write_commands(stream, finding);
	if (is_misuse) {
		begin_line(stream, finding);
		fputs(finding->has_ended_program
			      ? "Invalid free() / delete / delete[] / realloc()\n"
			      : "Mismatched free() / delete / delete []\n",
		      stream);
	}
	if (number) {
		begin_line(stream, finding);
		fprintf(stream, "%s bytes in %s blocks are %s in loss record %s of %s\n",
			number_count(finding->bytes).text, number_count(finding->blocks).text,
			is_lost ? "definitely lost" : "still reachable", number_count(number).text,
			number_count(count).text);
	}
	for (size_t i = 0; (number || is_misuse) && i < finding->frame_count; i++)
		write_frame(writer, finding, i);
	/* What else there is Valgrind has no word for. */
	if (!number || !is_lost)
		write_title(stream, finding);
	write_empty_line(stream, finding);
}

static bool is_loss_record(const struct check_outcome *outcome,
			   const struct merged_finding *finding)
{
	return finding->rule != FINDING_RULE_BUDGET && finding->rule != FINDING_RULE_MISUSE &&
	       check_fails_on(outcome, finding);
}

static int end(struct check_writer *writer, const struct check_outcome *outcome)
{
	const struct check_sums *sums = outcome->sums;
	const struct merged_finding *next;
	size_t count = 0, number = 0, error_count = 0;

	for (next = outcome->found->first; next; next = next->next) {
		count += is_loss_record(outcome, next);
		error_count += check_fails_on(outcome, next);
	}
	for (next = outcome->found->first; next; next = next->next) {
		bool is_record = is_loss_record(outcome, next);

		number += is_record;
		write_finding(writer, next, check_fails_on(outcome, next), is_record ? number : 0,
			      count);
	}
	/* About all processes; there is none that it could have the number of but this one. */
	if (sums->failed_count)
		fprintf(writer->stream, "==%d== %zu snapshot file%s could not be checked\n",
			getpid(), sums->failed_count, number_plural(sums->failed_count));
	fprintf(writer->stream,
		"==%d== ERROR SUMMARY: %zu errors from %zu contexts (suppressed: %zu from %zu)\n",
		getpid(), error_count, error_count, sums->suppressed_count, sums->suppressed_count);
	return 0;
}

const struct check_format check_format_valgrind = {.name = "valgrind", .end = end};
