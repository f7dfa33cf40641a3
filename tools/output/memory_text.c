/* SPDX-License-Identifier: Apache-2.0 */
/*
 * memory_text: each finding is a sentence with its figure; what to do follows where something can be
 * done without reading code.
 */
#include "tools/output/memory_text.h"

#include <string.h>

#include "tools/model/path_base.h"
#include "tools/model/profile.h"
#include "tools/model/report.h"
#include "tools/output/memory_table.h"
#include "tools/output/number_text.h"
#include "tools/output/stack_text.h"
#include "tools/output/text_line.h"

#define PARAGRAPH_BYTES 512
#define INDENT 2
#define BYTES_COLUMNS 10
#define PINS_SHOWN 3

static void say_leak(const struct report *report, const char *rate, char *text)
{
	size_t count = report->process_memory.leak_count;

	if (count == 1)
		snprintf(text, PARAGRAPH_BYTES, "Leak: the one above adds %s to what is requested.",
			 rate);
	else
		snprintf(text, PARAGRAPH_BYTES, "Leaks: the %s above add %s to what is requested.",
			 number_count(count).text, rate);
}

static void say_growing(const struct report *report, const char *rate, char *text)
{
	const struct process_memory *memory = &report->process_memory;
	bool has_leaks = memory->leak_count;

	snprintf(text, PARAGRAPH_BYTES,
		 "Growing: what %sis requested keeps growing, by %s, nearly all of it at %s site%s "
		 "%s flagged as a leak.",
		 has_leaks ? "else " : "", rate, number_count(memory->grown_sites).text,
		 number_plural(memory->grown_sites),
		 memory->grown_sites == 1 ? "that is not" : "of which none is");
}

/* What makes the allocator give back what it keeps. */
static void add_advice(const struct report *report, char *text)
{
	static const struct {
		const char *library, *advice;
	} others[] = {
		{"jemalloc", "jemalloc gives them back sooner with MALLOC_CONF=dirty_decay_ms:0,"
			     "muzzy_decay_ms:0."},
		{"tcmalloc", "MallocExtension's ReleaseFreeMemory gives them back."},
		{"mimalloc", "mi_collect(true) gives them back."},
	};
	const struct profile *profile = report->profile;
	uint32_t threads = profile->snapshots[report->last_snapshot].raw.threads;
	char arenas[160] = "";

	for (size_t i = 0; i < profile->module_count; i++)
		for (size_t j = 0; j < sizeof(others) / sizeof(*others); j++)
			if (strstr(path_base(profile->modules[i].path), others[j].library)) {
				strncat(text, others[j].advice, PARAGRAPH_BYTES - strlen(text) - 1);
				return;
			}
	if (threads > 1)
		snprintf(arenas, sizeof(arenas),
			 ", and MALLOC_ARENA_MAX=2 lets its %s threads share what each of them "
			 "keeps",
			 number_count(threads).text);
	size_t length = strlen(text);
	snprintf(text + length, PARAGRAPH_BYTES - length,
		 "With glibc, malloc_trim(0) in the program gives them back; "
		 "MALLOC_TRIM_THRESHOLD_=131072 in its environment gives back what is free at the "
		 "end of the heap%s.",
		 arenas);
}

/* What makes an interpreter that serves objects from mappings of its own ask malloc for each of them. */
static const char *advice_for_interpreter(const struct profile *profile)
{
	static const struct {
		const char *module, *advice;
	} interpreters[] = {
		{"python3", " PYTHONMALLOC=malloc in its environment shows what Python asks for."},
		{"php", " USE_ZEND_ALLOC=0 in its environment shows what PHP asks for."},
	};

	for (size_t i = 0; i < profile->module_count; i++)
		for (size_t j = 0; j < sizeof(interpreters) / sizeof(*interpreters); j++) {
			const char *name = path_base(profile->modules[i].path);
			name += strncmp(name, "lib", strlen("lib")) == 0 ? strlen("lib") : 0;
			if (strncmp(name, interpreters[j].module, strlen(interpreters[j].module)) ==
			    0)
				return interpreters[j].advice;
		}
	return "";
}

static void say_outside(const struct report *report, const struct memory_finding *finding,
			const char *rate, char *text)
{
	if (finding->part == PART_FILES)
		snprintf(text, PARAGRAPH_BYTES,
			 "Growth outside malloc: %s of pages of files and of shared memory. The "
			 "kernel can take back those of files, but not shared memory.",
			 rate);
	else
		snprintf(text, PARAGRAPH_BYTES,
			 "Growth outside malloc: %s of memory that no malloc call asked for: "
			 "mappings, stacks of threads, or an allocator of the program's own. %s%s",
			 rate,
			 report->profile->tracks_mappings
				 ? "The sites with [mmap] show who maps it."
				 : "seep run --track=mmap shows who maps it.",
			 advice_for_interpreter(report->profile));
}

static void say_finding(const struct report *report, const struct memory_finding *finding,
			char *text)
{
	struct number_text signed_rate = number_rate(finding->bytes_per_hour),
			   bytes = number_bytes(finding->bytes);
	const char *rate = signed_rate.text + 1; /* it grows, as each sentence says */
	bool is_growth = finding->bytes_per_hour > 0;

	switch (finding->verdict) {
	case MEMORY_LEAK:
		say_leak(report, rate, text);
		return;
	case MEMORY_GROWING:
		say_growing(report, rate, text);
		return;
	case MEMORY_FRAGMENTATION:
		if (is_growth)
			snprintf(text, PARAGRAPH_BYTES,
				 "Fragmentation: memory that is free, but on pages with live "
				 "blocks, so that nobody gets it back, grows by %s.",
				 rate);
		else
			snprintf(text, PARAGRAPH_BYTES,
				 "Fragmentation: %s are free, but on pages with live blocks, so "
				 "that nobody gets them back.",
				 bytes.text);
		return;
	case MEMORY_NOT_RETURNED:
		if (is_growth)
			snprintf(text, PARAGRAPH_BYTES,
				 "Not returned: what malloc keeps in free pages grows by %s. ",
				 rate);
		else
			snprintf(text, PARAGRAPH_BYTES,
				 "Not returned: %s are free in whole pages that malloc keeps. ",
				 bytes.text);
		add_advice(report, text);
		return;
	default:
		say_outside(report, finding, rate, text);
		return;
	}
}

static void say_calm(const struct report *report, char *text)
{
	size_t leaks = report_leak_count(report);

	if (report->process_memory.verdict == MEMORY_UNKNOWN)
		snprintf(text, PARAGRAPH_BYTES,
			 "What is resident keeps growing, what is requested does not. This file "
			 "does not say what the allocator holds.");
	else if (leaks)
		snprintf(text, PARAGRAPH_BYTES,
			 "Stable as a whole: the leak%s above %s too small beside the rest to show "
			 "here yet.",
			 number_plural(leaks), leaks == 1 ? "is" : "are");
	else
		snprintf(text, PARAGRAPH_BYTES, "Stable: no part of it keeps growing%s.",
			 report->process_memory.figures[PART_FILES].keeps_growing
				 ? " but pages of files, which the kernel takes back when it "
				   "needs them"
				 : "");
}

static void write_pins(FILE *stream, const struct text_style *style, const struct report *report)
{
	struct text_line line;

	if (!report->pin_count)
		return;
	text_paragraph(stream, style, INK_PLAIN, "", 0, "Pinned by the live blocks of:");
	text_line_begin(&line, stream, style);
	for (size_t i = 0; i < report->pin_count && i < PINS_SHOWN; i++) {
		const struct report_pin *pin = &report->pins[i];
		const struct number_text number = number_bytes(pin->bytes);
		text_line_pad(&line, INDENT + BYTES_COLUMNS - (int)strlen(number.text));
		text_line_put(&line, INK_TITLE, number.text);
		text_line_put(&line, INK_PLAIN, "  ");
		stack_text_put_own(&line, pin->site);
		text_line_end(&line);
	}
}

static bool is_worth_saying(const struct report *report)
{
	const struct process_memory *memory = &report->process_memory;

	return memory->verdict != MEMORY_UNKNOWN || memory->figures[PART_RESIDENT].keeps_growing;
}

void memory_text_write(FILE *stream, const struct text_style *style, const struct report *report)
{
	const struct process_memory *memory = &report->process_memory;
	char text[PARAGRAPH_BYTES];
	struct text_line line;

	if (!is_worth_saying(report))
		return;
	fputc('\n', stream);
	text_line_begin(&line, stream, style);
	memory_table_write(&line, report);
	for (size_t i = 0; i < memory->finding_count; i++) {
		say_finding(report, &memory->findings[i], text);
		text_paragraph(stream, style, i ? INK_PLAIN : INK_TITLE, "", 0, text);
		if (memory->findings[i].verdict == MEMORY_FRAGMENTATION)
			write_pins(stream, style, report);
	}
	if (!memory->finding_count) {
		say_calm(report, text);
		text_paragraph(stream, style, INK_PLAIN, "", 0, text);
	}
}

/* The first one that sites do not show; null: none. */
static const struct memory_finding *foremost(const struct process_memory *memory)
{
	for (size_t i = 0; i < memory->finding_count; i++)
		if (memory->findings[i].verdict != MEMORY_LEAK)
			return &memory->findings[i];
	return NULL;
}

const char *memory_text_word(const struct report *report)
{
	const struct memory_finding *finding = foremost(&report->process_memory);

	switch (finding ? finding->verdict : MEMORY_UNKNOWN) {
	case MEMORY_FRAGMENTATION:
		return "fragmentation";
	case MEMORY_NOT_RETURNED:
		return "free, but not returned";
	case MEMORY_OUTSIDE_MALLOC:
		return "grows outside malloc";
	case MEMORY_GROWING:
		return "grows at many sites";
	default:
		return NULL;
	}
}

bool memory_text_brief(const struct report *report, char *text)
{
	const struct process_memory *memory = &report->process_memory;
	const struct memory_finding *finding = foremost(memory);

	if (!finding)
		return false;
	struct number_text signed_rate = number_rate(finding->bytes_per_hour),
			   bytes = number_bytes(finding->bytes);
	const char *rate = signed_rate.text + 1;
	bool is_growth = finding->bytes_per_hour > 0;
	switch (finding->verdict) {
	case MEMORY_FRAGMENTATION:
		snprintf(text, MEMORY_BRIEF_BYTES,
			 is_growth ? "fragmentation grows by %s"
				   : "fragmentation, %s are free but pinned",
			 is_growth ? rate : bytes.text);
		return true;
	case MEMORY_NOT_RETURNED:
		snprintf(text, MEMORY_BRIEF_BYTES,
			 is_growth ? "what is free but not returned grows by %s"
				   : "%s are free but not returned",
			 is_growth ? rate : bytes.text);
		return true;
	case MEMORY_OUTSIDE_MALLOC:
		snprintf(text, MEMORY_BRIEF_BYTES, "what is outside malloc grows by %s", rate);
		return true;
	default:
		snprintf(text, MEMORY_BRIEF_BYTES,
			 "what is requested keeps growing, by %s at %s site%s", rate,
			 number_count(memory->grown_sites).text,
			 number_plural(memory->grown_sites));
		return true;
	}
}
