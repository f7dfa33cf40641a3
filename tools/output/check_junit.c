/* SPDX-License-Identifier: Apache-2.0 */
/*
 * check_junit: JUnit XML, as Jenkins, GitLab and most others read it.
 *
 * There is no standard but Ant's output; attributes and their order are those of the schema that
 * most tools publish (JUnit.xsd of the Apache Ant JUnit task).
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define HASH_NONFATAL_OOM 1
#include <uthash.h>

#include "tools/output/check_format.h"
#include "tools/output/number_text.h"
#include "tools/output/suppression_text.h"
#include "tools/output/utf8.h"

/* What XML 1.0 cannot hold even as a reference becomes a question mark. */
static void write_text(FILE *stream, const char *bytes)
{
	char *valid = utf8_valid_copy(bytes);

	for (const char *next = valid ? valid : "?"; *next; next++) {
		/* U+FFFE and U+FFFF */
		if (strncmp(next, "\xef\xbf\xbe", 3) == 0 ||
		    strncmp(next, "\xef\xbf\xbf", 3) == 0) {
			fputc('?', stream);
			next += 2;
			continue;
		}
		switch (*next) {
		case '&':
			fputs("&amp;", stream);
			break;
		case '<':
			fputs("&lt;", stream);
			break;
		case '>':
			fputs("&gt;", stream);
			break;
		case '"':
			fputs("&quot;", stream);
			break;
		case '\t':
		case '\n':
			fputc(*next, stream);
			break;
		default:
			fputc((unsigned char)*next < 0x20 ? '?' : *next, stream);
		}
	}
	free(valid);
}

static void write_attribute(FILE *stream, const char *name, const char *value)
{
	fprintf(stream, " %s=\"", name);
	write_text(stream, value);
	fputc('"', stream);
}

static int begin(struct check_writer *writer)
{
	fputs("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n", writer->stream);
	return 0;
}

static void write_case(FILE *stream, const char *name, const char *class_name)
{
	fputs("    <testcase", stream);
	write_attribute(stream, "name", name);
	write_attribute(stream, "classname", class_name);
	fputs(" time=\"0\"", stream);
}

struct name {
	UT_hash_handle hh;
	size_t count; /* how often it was used */
	char text[FINDING_TITLE_BYTES];
};

struct suite {
	FILE *stream;
	const struct checked_program *program;
	const struct check_outcome *outcome;
	size_t number;
	struct name *names;
};

/* Readers know a test case by its class and name, and GitLab keeps only one of several that are alike. */
static int make_unique(struct suite *suite, const char *text, char *name, size_t size)
{
	struct name *known;

	HASH_FIND_STR(suite->names, text, known);
	if (!known) {
		known = calloc(1, sizeof(*known));
		if (!known)
			return -ENOMEM;
		snprintf(known->text, sizeof(known->text), "%s", text);
		HASH_ADD_STR(suite->names, text, known);
		if (!known->hh.tbl) {
			free(known);
			return -ENOMEM;
		}
	}
	if (++known->count == 1)
		snprintf(name, size, "%s", text);
	else
		snprintf(name, size, "%s #%zu", text, known->count);
	return 0;
}

static void forget_names(struct suite *suite)
{
	struct name *name, *next;

	HASH_ITER(hh, suite->names, name, next)
	{
		HASH_DEL(suite->names, name);
		free(name);
	}
}

/* What fails nothing is a test that was skipped: there is no other word for it that readers know. */
static int write_finding(struct suite *suite, const struct merged_finding *finding)
{
	bool fails = check_fails_on(suite->outcome, finding);
	FILE *stream = suite->stream;
	char name[FINDING_TITLE_BYTES + 32], title[FINDING_TITLE_BYTES];
	char *text = merged_finding_text(finding);

	if (!text || make_unique(suite, finding->name, name, sizeof(name)) < 0) {
		free(text);
		return -ENOMEM;
	}
	merged_finding_title(finding, title);
	write_case(stream, name, suite->program->name);
	fprintf(stream, ">\n      <%s", fails ? "failure" : "skipped");
	write_attribute(stream, "message", title);
	if (fails)
		write_attribute(stream, "type", finding_rules[finding->rule].name);
	fputc('>', stream);
	write_text(stream, text);
	fprintf(stream, "</%s>\n    </testcase>\n", fails ? "failure" : "skipped");
	free(text);
	return 0;
}

/* A finding of several programs stands with the first. */
static bool is_of(const struct suite *suite, const struct merged_finding *finding)
{
	return strcmp(finding->processes[0]->name, suite->program->name) == 0;
}

static void write_head(const struct suite *suite)
{
	const struct checked_program *program = suite->program;
	size_t failures = 0, skipped = 0, tests;
	FILE *stream = suite->stream;
	char host[256] = "localhost", when[32] = "1970-01-01T00:00:00";
	time_t started = (time_t)(program->started_unix_ns / 1000000000u);
	struct tm utc;

	for (const struct merged_finding *next = suite->outcome->found->first; next;
	     next = next->next) {
		if (!is_of(suite, next))
			continue;
		if (check_fails_on(suite->outcome, next))
			failures++;
		else
			skipped++;
	}
	tests = failures + skipped ? failures + skipped : 1;
	if (gethostname(host, sizeof(host)) != 0 || !*host)
		strcpy(host, "localhost");
	host[sizeof(host) - 1] = '\0';
	if (gmtime_r(&started, &utc))
		strftime(when, sizeof(when), "%Y-%m-%dT%H:%M:%S", &utc);
	fprintf(stream, "  <testsuite package=\"seep\" id=\"%zu\"", suite->number);
	write_attribute(stream, "name", program->name);
	fprintf(stream, " timestamp=\"%s\"", when);
	write_attribute(stream, "hostname", host);
	fprintf(stream,
		" tests=\"%zu\" failures=\"%zu\" errors=\"0\" skipped=\"%zu\" time=\"%.3f\">\n",
		tests, failures, skipped, program->span_s);
	fprintf(stream,
		"    <properties>\n      <property name=\"processes\" value=\"%zu\"/>\n"
		"      <property name=\"pid\" value=\"%" PRIu32 "\"/>\n",
		program->process_count, program->pid);
	for (size_t i = 0; i < program->command_count; i++) {
		fprintf(stream, "      <property name=\"argument %zu\"", i);
		write_attribute(stream, "value", program->command[i]);
		fputs("/>\n", stream);
	}
	fputs("    </properties>\n", stream);
}

/* Of suppressions that do not do what they were written for, as for a person. */
static void write_remarks(FILE *stream, const struct suppressions *suppressions)
{
	char *text = NULL;
	size_t bytes;
	FILE *copy = open_memstream(&text, &bytes);

	if (copy)
		suppression_text_write_remarks(copy, suppressions, time(NULL));
	if (copy)
		fclose(copy);
	fputs("    <system-out>", stream);
	write_text(stream, text ? text : "");
	fputs("</system-out>\n", stream);
	free(text);
}

static int write_suite(struct suite *suite)
{
	bool is_clean = true;
	int result = 0;

	write_head(suite);
	for (const struct merged_finding *next = suite->outcome->found->first; next && result == 0;
	     next = next->next) {
		if (!is_of(suite, next))
			continue;
		is_clean = false;
		result = write_finding(suite, next);
	}
	forget_names(suite);
	if (is_clean) {
		write_case(suite->stream, "memory", suite->program->name);
		fputs("/>\n", suite->stream);
	}
	/* Once is enough. */
	if (suite->number == 0)
		write_remarks(suite->stream, suite->outcome->suppressions);
	else
		fputs("    <system-out/>\n", suite->stream);
	fputs("    <system-err/>\n  </testsuite>\n", suite->stream);
	return result;
}

static int end(struct check_writer *writer, const struct check_outcome *outcome)
{
	struct suite suite = {.stream = writer->stream, .outcome = outcome};
	size_t failed = outcome->sums->failed_count;
	int result = 0;

	for (suite.program = outcome->found->programs; suite.program && result == 0;
	     suite.program = suite.program->next, suite.number++)
		result = write_suite(&suite);
	/* Without a test case that fails it would look clean. */
	if (failed)
		fprintf(writer->stream,
			"  <testsuite package=\"seep\" id=\"%zu\" name=\"seep\" "
			"timestamp=\"1970-01-01T00:00:00\" hostname=\"localhost\" tests=\"1\" "
			"failures=\"0\" errors=\"1\" time=\"0\">\n"
			"    <properties/>\n"
			"    <testcase name=\"every file can be checked\" classname=\"seep\" "
			"time=\"0\">\n"
			"      <error message=\"%zu snapshot file%s could not be checked\" "
			"type=\"unreadable\"/>\n"
			"    </testcase>\n    <system-out/>\n    <system-err/>\n  </testsuite>\n",
			suite.number, failed, number_plural(failed));
	fputs("</testsuites>\n", writer->stream);
	return result;
}

const struct check_format check_format_junit = {.name = "junit", .begin = begin, .end = end};
