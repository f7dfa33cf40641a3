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

#include "tools/model/profile.h"
#include "tools/model/report.h"
#include "tools/output/check_format.h"
#include "tools/output/finding_brief.h"
#include "tools/output/utf8.h"

/* What XML 1.0 cannot hold even as a reference becomes a question mark. */
static void write_text(FILE *stream, const char *bytes)
{
	char *valid = utf8_valid_copy(bytes);

	for (const char *next = valid ? valid : "?"; *next; next++) {
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
	const char *name, *class_name;
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

static int write_failure(const struct finding_brief *brief, size_t number, void *context)
{
	struct suite *suite = context;
	FILE *stream = suite->stream;
	char name[FINDING_TITLE_BYTES + 32];

	(void)number;
	if (make_unique(suite, brief->name, name, sizeof(name)) < 0)
		return -ENOMEM;
	write_case(stream, name, suite->class_name);
	fputs(">\n      <failure", stream);
	write_attribute(stream, "message", brief->title);
	write_attribute(stream, "type", brief->rule);
	fputc('>', stream);
	write_text(stream, brief->text);
	fputs("</failure>\n    </testcase>\n", stream);
	return 0;
}

static void write_head(const struct suite *suite, const struct report *report, size_t failures)
{
	const struct profile *profile = report->profile;
	FILE *stream = suite->stream;
	char host[256] = "localhost", when[32] = "1970-01-01T00:00:00";
	time_t started = (time_t)(profile->started_unix_ns / 1000000000u);
	struct tm utc;

	if (gethostname(host, sizeof(host)) != 0 || !*host)
		strcpy(host, "localhost");
	host[sizeof(host) - 1] = '\0';
	if (gmtime_r(&started, &utc))
		strftime(when, sizeof(when), "%Y-%m-%dT%H:%M:%S", &utc);
	fprintf(stream, "  <testsuite package=\"seep\" id=\"%zu\"", suite->number);
	write_attribute(stream, "name", suite->name);
	fprintf(stream, " timestamp=\"%s\"", when);
	write_attribute(stream, "hostname", host);
	fprintf(stream, " tests=\"%zu\" failures=\"%zu\" errors=\"0\" time=\"%.3f\">\n",
		failures ? failures : 1, failures, report->span_s);
	fputs("    <properties>\n", stream);
	fprintf(stream, "      <property name=\"pid\" value=\"%" PRIu32 "\"/>\n", profile->pid);
	for (size_t i = 0; i < profile->command_count; i++) {
		fprintf(stream, "      <property name=\"argument %zu\"", i);
		write_attribute(stream, "value", profile->command[i]);
		fputs("/>\n", stream);
	}
	fputs("    </properties>\n", stream);
}

static int file(struct check_writer *writer, const struct report *report,
		const struct check_sums *sums, const char *source)
{
	const struct profile *profile = report->profile;
	size_t failures = finding_brief_count(report);
	char name[128], class_name[65];
	struct suite suite = {.stream = writer->stream,
			      .name = name,
			      .class_name = class_name,
			      .number = sums->file_count};

	(void)source;

	/* A process id would make new test cases of the old ones in each run. */
	snprintf(class_name, sizeof(class_name), "%s",
		 profile->name && *profile->name ? profile->name : "?");
	snprintf(name, sizeof(name), "%s (%" PRIu32 ")", class_name, profile->pid);
	write_head(&suite, report, failures);
	int result = finding_brief_walk(report, write_failure, &suite);
	forget_names(&suite);
	if (!failures) {
		write_case(writer->stream, "memory", class_name);
		fputs("/>\n", writer->stream);
	}
	fputs("    <system-out/>\n    <system-err/>\n  </testsuite>\n", writer->stream);
	return result;
}

static int end(struct check_writer *writer, const struct check_outcome *outcome)
{
	size_t failed = outcome->sums->failed_count;

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
			outcome->sums->file_count, failed, failed == 1 ? "" : "s");
	fputs("</testsuites>\n", writer->stream);
	return 0;
}

const struct check_format check_format_junit = {
	.name = "junit", .begin = begin, .file = file, .end = end};
