/* SPDX-License-Identifier: Apache-2.0 */
/* test_json_report: every field of the schema is there, with its type, whatever is in the report.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <jansson.h>

#include "tests/unit/tools/sample_report.h"
#include "tools/model/holders.h"
#include "tools/output/json_report.h"

/*
 * The schema as a text: one line for each path, then what may stand there. [] is every element of
 * an array. Types: s text, i whole number, n any number, b truth, o object, a array, 0 null.
 */
static const char report_schema[] = "process o\n"
				    "process.pid i\n"
				    "process.name s\n"
				    "process.command a\n"
				    "process.command[] s\n"
				    "process.started s0\n"
				    "process.ended s0\n"
				    "process.end s\n"
				    "process.status i\n"
				    "span_s n\n"
				    "snapshots i\n"
				    "lost.blocks i\n"
				    "lost.stacks i\n"
				    "lost.cut_stacks i\n"
				    "lost.last_state b\n"
				    "lost.snapshots i\n"
				    "lost.snapshots_error s0\n"
				    "lost.unknown_frees i\n"
				    "lost.unseen_frees i\n"
				    "totals.live_bytes i\n"
				    "totals.live_blocks i\n"
				    "totals.allocations i\n"
				    "totals.frees i\n"
				    "totals.rss_bytes i\n"
				    "sites a\n"
				    "sites[].id s\n"
				    "sites[].verdict s\n"
				    "sites[].flagged b\n"
				    "sites[].confidence n\n"
				    "sites[].severity s\n"
				    "sites[].live_bytes i\n"
				    "sites[].live_blocks i\n"
				    "sites[].allocations i\n"
				    "sites[].frees i\n"
				    "sites[].peak_bytes i\n"
				    "sites[].growth.bytes_per_hour n0\n"
				    "sites[].growth.bytes_per_hour_ci95 a\n"
				    "sites[].growth.bytes_per_hour_ci95[] n0\n"
				    "sites[].growth.blocks_per_hour n0\n"
				    "sites[].growth.since_s n0\n"
				    "sites[].growth.time_to_limit_s n0\n"
				    "sites[].evidence o0\n"
				    "sites[].suppressed_by o0\n"
				    "sites[].minor b\n"
				    "sites[].reachability o0\n"
				    "sites[].held_by a0\n"
				    "sites[].freed_by a0\n"
				    "sites[].series.t_s a\n"
				    "sites[].series.t_s[] n\n"
				    "sites[].series.live_bytes a\n"
				    "sites[].series.live_bytes[] i\n"
				    "sites[].series.live_blocks a\n"
				    "sites[].series.live_blocks[] i\n"
				    "sites[].stack a\n"
				    "sites[].stack[].function s0\n"
				    "sites[].stack[].file s0\n"
				    "sites[].stack[].line i0\n"
				    "sites[].stack[].module s0\n"
				    "sites[].stack[].offset i\n"
				    "sites[].stack[].inlined b\n";

static const char diff_schema[] = "sites[].delta.bytes i\n"
				  "sites[].delta.blocks i\n"
				  "sites[].aged.bytes i\n"
				  "sites[].old.live_bytes i\n"
				  "sites[].old.live_blocks i\n"
				  "sites[].old.allocations i\n"
				  "old.snapshot i\n"
				  "old.label s0\n"
				  "old.t_s n\n"
				  "old.process.pid i\n"
				  "old.totals.live_bytes i\n"
				  "new.snapshot i\n"
				  "new.totals.live_bytes i\n";

static bool has_type(const json_t *value, const char *types)
{
	for (; *types; types++) {
		if ((*types == 's' && json_is_string(value)) ||
		    (*types == 'i' && json_is_integer(value)) ||
		    (*types == 'n' && json_is_number(value)) ||
		    (*types == 'b' && json_is_boolean(value)) ||
		    (*types == 'o' && json_is_object(value)) ||
		    (*types == 'a' && json_is_array(value)) ||
		    (*types == '0' && json_is_null(value)))
			return true;
	}
	return false;
}

static void check_path(const json_t *value, const char *path, const char *types, const char *whole)
{
	size_t length = strcspn(path, ".[");
	char key[64];

	if (strncmp(path, "[]", 2) == 0) {
		for (size_t i = 0; i < json_array_size(value); i++)
			check_path(json_array_get(value, i), path + 2 + (path[2] == '.'), types,
				   whole);
		return;
	}
	if (!*path) {
		if (!has_type(value, types))
			fail_msg("%s is not of type %s", whole, types);
		return;
	}
	snprintf(key, sizeof(key), "%.*s", (int)length, path);
	if (!json_object_get(value, key))
		fail_msg("%s is missing", whole);
	check_path(json_object_get(value, key), path + length + (path[length] == '.'), types,
		   whole);
}

static void check_schema(const json_t *document, const char *schema)
{
	while (*schema) {
		char path[96], types[8];
		assert_int_equal(sscanf(schema, "%95s %7s\n", path, types), 2);
		check_path(document, path, types, path);
		schema = strchr(schema, '\n') + 1;
	}
}

static json_t *document_of(const struct sample *sample, struct json_report_options options)
{
	json_error_t why;
	char *text = SAMPLE_WRITTEN(
		stream, assert_int_equal(json_report_write(stream, &sample->report, &options), 0));
	json_t *document = json_loads(text, JSON_REJECT_DUPLICATES, &why);

	if (!document)
		fail_msg("line %d: %s in %s", why.line, why.text, text);
	free(text);
	return document;
}

static void says_which_snapshots_are_missing(void **state)
{
	(void)state;
	struct sample *sample = sample_of_all_verdicts();
	struct snapshot *last = &sample->snapshots[SAMPLE_POINTS - 1];
	last->raw.missed_snapshots = 3;
	last->raw.missed_error = ENOSPC;
	last->reason = SEEP_REASON_INTERVAL;
	json_t *document = document_of(sample, (struct json_report_options){0});
	json_t *lost = json_object_get(document, "lost");

	assert_int_equal(json_integer_value(json_object_get(lost, "snapshots")), 3);
	assert_string_equal(json_string_value(json_object_get(lost, "snapshots_error")),
			    "No space left on device");
	assert_true(json_is_true(json_object_get(lost, "last_state")));
	json_decref(document);
	free(sample);
}

static void thresholds_and_alerts_name_their_sites(void **state)
{
	(void)state;
	struct sample *sample = sample_of_all_verdicts();
	sample_cross_thresholds(sample);
	json_t *document = document_of(sample, (struct json_report_options){0});
	json_t *crossed = json_object_get(document, "thresholds"),
	       *alerts = json_object_get(document, "alerts");
	static const char wanted[] =
		"[{\"kind\":\"heap_share_of_rss\",\"site\":null,\"value\":0.9,\"limit\":0.8,"
		"\"crossed\":true,\"at_s\":12.0},{\"kind\":\"site_growth\",\"site\":"
		"\"00000000abcdef01\",\"value\":4194304.0,\"limit\":1048576.0,\"crossed\":true,"
		"\"at_s\":null}]";
	static const char logged[] =
		"[{\"kind\":\"site_live\",\"site\":\"00000000abcdef01\",\"value\":3000.0,"
		"\"limit\":2000.0,\"at_s\":1.5,\"snapshot\":2},{\"kind\":\"heap_share_of_rss\","
		"\"site\":null,\"value\":0.9,\"limit\":0.8,\"at_s\":2.0,\"snapshot\":3}]";
	char *text = json_dumps(crossed, JSON_COMPACT | JSON_REAL_PRECISION(12));
	assert_string_equal(text, wanted);
	free(text);
	text = json_dumps(alerts, JSON_COMPACT | JSON_REAL_PRECISION(12));
	assert_string_equal(text, logged);
	free(text);
	json_decref(document);
	free(sample);
}

static void expect_json(const json_t *value, const char *wanted)
{
	char *text = json_dumps(value, JSON_COMPACT | JSON_REAL_PRECISION(12));

	assert_string_equal(text, wanted);
	free(text);
}

static void says_what_is_lost(void **state)
{
	(void)state;
	struct sample *sample = sample_of_all_verdicts();
	sample_lose(sample);
	json_t *document = document_of(sample, (struct json_report_options){0});
	const json_t *sites = json_object_get(document, "sites");

	check_schema(document, report_schema);
	expect_json(
		json_object_get(document, "scan"),
		"{\"outcome\":\"done\",\"text\":\"40 blocks (1.20 KiB) definitely lost, 12 "
		"(3.40 KiB) with them; 5 blocks (200 B) possibly lost\",\"snapshot\":40,\"t_s\":"
		"59.0,\"confirmed\":false,\"stopped\":true,\"pause_ms\":2.5,\"work_ms\":40.0,"
		"\"threads\":3,\"unread_threads\":0,\"totals\":{\"definitely_lost\":{"
		"\"bytes\":1229,\"blocks\":40},\"indirectly_lost\":{\"bytes\":3482,"
		"\"blocks\":12},\"possibly_lost\":{\"bytes\":200,\"blocks\":5},"
		"\"reachable\":{\"bytes\":9800,\"blocks\":95}}}");
	expect_json(json_object_get(json_array_get(sites, 0), "reachability"),
		    "{\"definitely_lost\":{\"bytes\":1229,\"blocks\":40},\"indirectly_lost\":{"
		    "\"bytes\":0,\"blocks\":0},\"possibly_lost\":{\"bytes\":0,\"blocks\":0},"
		    "\"reachable\":{\"bytes\":0,\"blocks\":0},\"held_by_lost\":{\"bytes\":3482,"
		    "\"blocks\":12}}");
	/* Of the others nothing is known. */
	assert_true(json_is_null(json_object_get(json_array_get(sites, 3), "reachability")));
	const json_t *finding = json_array_get(json_object_get(document, "findings"), 0);
	assert_string_equal(json_string_value(json_object_get(finding, "kind")), "lost");
	assert_true(json_is_null(json_object_get(finding, "share_kept")));
	assert_true(json_equal(json_object_get(finding, "reachability"),
			       json_object_get(json_array_get(sites, 0), "reachability")));
	assert_int_equal(json_array_size(json_object_get(finding, "sites")), 2);
	json_decref(document);
	free(sample);
}

static void a_scan_that_failed_says_why(void **state)
{
	(void)state;
	struct sample *sample = sample_of_all_verdicts();
	struct scan scan = {.raw = {.snapshot = 40, .outcome = SEEP_SCAN_NO_MEMORY}};
	sample->report.scan = &scan;
	for (uint16_t outcome = SEEP_SCAN_NO_COPY; outcome <= SEEP_SCAN_TOO_LATE + 1; outcome++) {
		static const char *const names[] = {"no_copy", "no_memory", "failed", "sampled",
						    "lost",    "too_late",  "unknown"};
		scan.raw.outcome = outcome;
		json_t *document = document_of(sample, (struct json_report_options){0});
		const json_t *object = json_object_get(document, "scan");
		assert_string_equal(json_string_value(json_object_get(object, "outcome")),
				    names[outcome - 1]);
		assert_true(json_is_null(json_object_get(object, "totals")));
		assert_ptr_equal(strstr(json_string_value(json_object_get(object, "text")),
					"what is lost is not known: "),
				 json_string_value(json_object_get(object, "text")));
		json_decref(document);
	}
	free(sample);
}

static void memory_says_what_is_known(void **state)
{
	(void)state;
	struct sample *sample = sample_of_all_verdicts();
	struct report_pin pins[] = {{&sample->sites[1], 9000}};
	struct process_memory *memory = &sample->report.process_memory;
	uint64_t series[SAMPLE_POINTS] = {MEMORY_NOT_KNOWN, 5};
	static const char wanted[] =
		"{\"verdict\":\"fragmentation\",\"confidence\":0.95,\"findings\":[{\"verdict\":"
		"\"fragmentation\",\"part\":\"free_between_blocks\",\"bytes\":90,"
		"\"bytes_per_hour\":0.0,\"confidence\":0.95}],\"own_bytes\":0,\"pinned_by\":"
		"[{\"site\":\"00000000abcdef01\",\"bytes\":9000}],\"t_s\":[0.1,1.6],"
		"\"parts\":{\"requested\":{\"bytes\":5,\"peak_bytes\":7,\"growth\":"
		"{\"bytes_per_hour\":3.5,\"ci95\":[1.0,4.0]},\"keeps_growing\":false,"
		"\"series\":[null,5]},\"free_between_blocks\":null,\"kept_free\":null,"
		"\"outside_malloc\":null,\"files\":null,\"own\":null,\"resident\":{\"bytes\":5,"
		"\"peak_bytes\":7,\"growth\":null,\"keeps_growing\":true,\"series\":[null,5]},"
		"\"swapped\":null,\"live_pages\":null,\"heap\":null,\"heap_resident\":null}}";

	memory->verdict = MEMORY_FRAGMENTATION;
	memory->confidence = 0.95;
	memory->findings[0] = (struct memory_finding){
		.verdict = MEMORY_FRAGMENTATION,
		.part = PART_SCATTERED,
		.bytes = 90,
		.confidence = 0.95,
	};
	memory->finding_count = 1;
	memory->figures[PART_REQUESTED] = (struct memory_figure){
		.is_known = true,
		.bytes = 5,
		.peak_bytes = 7,
		.series = series,
		.has_growth = true,
		.bytes_per_hour = 3.5,
		.bytes_per_hour_ci95 = {1, 4},
	};
	memory->figures[PART_RESIDENT] = (struct memory_figure){
		.is_known = true,
		.bytes = 5,
		.peak_bytes = 7,
		.series = series,
		.keeps_growing = true,
	};
	sample->report.pins = pins;
	sample->report.pin_count = 1;
	sample->report.point_count = 2;
	json_t *document = document_of(sample, (struct json_report_options){0});
	char *text = json_dumps(json_object_get(document, "memory"),
				JSON_COMPACT | JSON_REAL_PRECISION(12));
	assert_string_equal(text, wanted);
	free(text);
	json_decref(document);
	free(sample);
}

static void keeps_the_schema_of_a_report(void **state)
{
	(void)state;
	struct sample *sample = sample_of_all_verdicts();
	json_t *document = document_of(sample, (struct json_report_options){0});
	json_t *site = json_array_get(json_object_get(document, "sites"), 1);

	assert_string_equal(json_string_value(json_object_get(document, "schema")),
			    "seep.report/1");
	check_schema(document, report_schema);
	assert_int_equal(json_object_size(document), 15);
	assert_int_equal(json_array_size(json_object_get(document, "wrong_frees")), 0);
	assert_int_equal(json_array_size(json_object_get(document, "findings")), 0);
	assert_int_equal(json_array_size(json_object_get(document, "thresholds")), 0);
	assert_int_equal(json_array_size(json_object_get(document, "alerts")), 0);
	assert_true(json_is_null(json_object_get(document, "sampling")));
	assert_true(json_is_null(json_object_get(document, "selfcheck")));
	assert_true(json_is_null(json_object_get(document, "scan")));
	assert_true(json_is_null(json_object_get(site, "reachability")));
	assert_int_equal(json_object_size(site), 20);
	assert_true(json_is_null(json_object_get(site, "sampled")));
	assert_int_equal(json_array_size(json_object_get(document, "sites")), SAMPLE_SITES);
	assert_string_equal(json_string_value(json_object_get(site, "verdict")), "leak");
	assert_true(json_is_true(json_object_get(site, "flagged")));
	/* Without operator new and xmalloc: the program's own frame comes first. */
	json_t *stack = json_object_get(site, "stack");
	assert_int_equal(json_array_size(stack), sample->sites[1].frame_count - 2);
	assert_string_equal(
		json_string_value(json_object_get(json_array_get(stack, 0), "function")),
		"open_session");
	assert_int_equal(json_integer_value(json_object_get(site, "live_bytes")),
			 sample->sites[1].live_bytes);
	json_decref(document);
	free(sample);
}

static const char finding_schema[] = "findings a\n"
				     "findings[].kind s\n"
				     "findings[].verdict s\n"
				     "findings[].flagged b\n"
				     "findings[].confidence n\n"
				     "findings[].severity s\n"
				     "findings[].live_bytes i\n"
				     "findings[].live_blocks i\n"
				     "findings[].site_count i\n"
				     "findings[].share_kept n0\n"
				     "findings[].growth.bytes_per_hour n\n"
				     "findings[].evidence o0\n"
				     "findings[].sites a\n"
				     "findings[].sites[] s\n"
				     "findings[].stack[].function s0\n";

static const char evidence_schema[] = "evidence.grows_in s\n"
				      "evidence.periods i\n"
				      "evidence.periods_that_kept i\n"
				      "evidence.age_s n0\n"
				      "evidence.kept_per_period[] n0\n"
				      "evidence.births n0\n"
				      "evidence.freed n0\n"
				      "evidence.freed_within_s n0\n"
				      "evidence.kept_lately n\n"
				      "evidence.clock s\n"
				      "evidence.decline n0\n"
				      "evidence.decline_error n0\n"
				      "evidence.chance n0\n"
				      "evidence.snapshots_needed i\n"
				      "evidence.text a\n"
				      "evidence.text[] s\n";

static void findings_name_the_sites_that_are_one_leak(void **state)
{
	(void)state;
	struct sample *sample =
		sample_new(5, (enum verdict[]){VERDICT_LEAK, VERDICT_LEAK, VERDICT_LEAK,
					       VERDICT_LEAK, VERDICT_STABLE});
	sample_group(sample, 3);
	json_t *document = document_of(sample, (struct json_report_options){0});
	json_t *findings = json_object_get(document, "findings");
	json_t *first = json_array_get(findings, 0), *second = json_array_get(findings, 1);

	check_schema(document, finding_schema);
	/* The site objects stay what they are. */
	assert_int_equal(json_array_size(json_object_get(document, "sites")), 5);
	assert_int_equal(json_array_size(findings), 2);
	assert_string_equal(json_string_value(json_object_get(first, "kind")), "callee");
	assert_int_equal(json_integer_value(json_object_get(first, "site_count")), 3);
	json_t *ids = json_object_get(first, "sites");
	assert_int_equal(json_array_size(ids), 3);
	assert_string_equal(json_string_value(json_array_get(ids, 2)), sample->sites[2].id);
	assert_string_equal(json_string_value(json_object_get(second, "kind")), "site");
	assert_string_equal(json_string_value(json_array_get(json_object_get(second, "sites"), 0)),
			    sample->sites[3].id);
	check_schema(first, evidence_schema);
	json_t *text = json_object_get(json_object_get(first, "evidence"), "text");
	assert_string_equal(json_string_value(json_array_get(text, 0)),
			    "every one of 31 periods left 40 to 60 blocks that nothing freed");
	json_decref(document);
	free(sample);
}

static void evidence_is_null_where_there_is_none(void **state)
{
	(void)state;
	struct sample *sample =
		sample_new(3, (enum verdict[]){VERDICT_LEAK, VERDICT_GROWING, VERDICT_STABLE});
	struct verdict_evidence buffer = {.is_of_length = true,
					  .periods = 14,
					  .periods_that_kept = 12,
					  .freed_within_s = NAN,
					  .decline = NAN,
					  .decline_error = INFINITY,
					  .drift_p = NAN};
	sample->sites[0].judgement.evidence = buffer;
	sample->sites[1].judgement.evidence = buffer;
	sample->sites[1].judgement.is_minor = true;
	json_t *document = document_of(sample, (struct json_report_options){0});
	json_t *sites = json_object_get(document, "sites");
	json_t *evidence = json_object_get(json_array_get(sites, 0), "evidence");

	check_schema(json_array_get(sites, 0), evidence_schema);
	assert_string_equal(json_string_value(json_object_get(evidence, "grows_in")), "length");
	assert_true(json_is_null(json_object_get(evidence, "births")));
	assert_true(json_is_null(json_object_get(evidence, "decline_error")));
	assert_true(json_is_true(json_object_get(json_array_get(sites, 1), "minor")));
	assert_true(json_is_false(json_object_get(json_array_get(sites, 2), "minor")));
	assert_true(json_is_null(json_object_get(json_array_get(sites, 2), "evidence")));
	json_decref(document);
	free(sample);
}

static const char selfcheck_schema[] = "selfcheck.one_in i\n"
				       "selfcheck.works b\n"
				       "selfcheck.compared i\n"
				       "selfcheck.different i\n"
				       "selfcheck.libunwind_gave_up i\n"
				       "selfcheck.cut i\n"
				       "selfcheck.skipped i\n"
				       "selfcheck.differences a\n"
				       "selfcheck.differences[].count i\n"
				       "selfcheck.differences[].thread i\n"
				       "selfcheck.differences[].ours[].function s0\n"
				       "selfcheck.differences[].ours[].offset i\n"
				       "selfcheck.differences[].libunwind[].function s0\n"
				       "selfcheck.differences[].libunwind[].offset i\n";

static void evidence_has_the_marks_that_were_asked(void **state)
{
	(void)state;
	struct sample *sample =
		sample_new(3, (enum verdict[]){VERDICT_LEAK, VERDICT_PLATEAU, VERDICT_LEAK});
	for (size_t i = 0; i < 2; i++)
		sample->sites[i].judgement.marks = (struct mark_evidence){
			.label = "idle",
			.word = i ? MARKS_SAY_LEVEL : MARKS_SAY_GROWS,
			.mark_count = 11,
			.steps = 9,
			.grew = i ? 0 : 9,
		};
	sample->sites[2].judgement.evidence.periods = 9;
	json_t *document = document_of(sample, (struct json_report_options){0});
	const json_t *sites = json_object_get(document, "sites");
	for (size_t i = 0; i < 2; i++) {
		const json_t *evidence = json_object_get(json_array_get(sites, i), "evidence");
		const json_t *marks = json_object_get(evidence, "marks");
		assert_int_equal(json_object_size(marks), 4);
		assert_string_equal(json_string_value(json_object_get(marks, "label")), "idle");
		assert_int_equal(json_integer_value(json_object_get(marks, "count")), 11);
		assert_int_equal(json_integer_value(json_object_get(marks, "steps")), 9);
		assert_int_equal(json_integer_value(json_object_get(marks, "grew")), i ? 0 : 9);
		assert_true(json_array_size(json_object_get(evidence, "text")) > 0);
	}
	const json_t *without = json_object_get(json_array_get(sites, 2), "evidence");
	assert_true(json_is_null(json_object_get(without, "marks")));
	json_decref(document);
	free(sample);
}

static void has_both_stacks_of_a_difference(void **state)
{
	(void)state;
	struct sample *sample = sample_of_all_verdicts();
	sample_differ(sample);
	json_t *document = document_of(sample, (struct json_report_options){0});
	json_t *check = json_object_get(document, "selfcheck");
	json_t *difference = json_array_get(json_object_get(check, "differences"), 0);

	check_schema(document, selfcheck_schema);
	assert_int_equal(json_object_size(check), 8);
	assert_int_equal(json_integer_value(json_object_get(check, "one_in")), 10);
	assert_true(json_is_true(json_object_get(check, "works")));
	assert_int_equal(json_integer_value(json_object_get(check, "compared")), 184352);
	assert_int_equal(json_integer_value(json_object_get(check, "different")), 15);
	assert_int_equal(json_integer_value(json_object_get(difference, "count")), 12);
	/* Wrappers too. */
	assert_int_equal(json_array_size(json_object_get(difference, "ours")),
			 sample->differences[0].ours.frame_count);
	assert_int_equal(json_array_size(json_object_get(difference, "libunwind")),
			 sample->differences[0].libunwinds.frame_count);
	json_decref(document);
	sample->self_check.raw.flags = SEEP_SELF_CHECK_HAS_NO_LIBUNWIND;
	document = document_of(sample, (struct json_report_options){0});
	check = json_object_get(document, "selfcheck");
	assert_true(json_is_false(json_object_get(check, "works")));
	json_decref(document);
	free(sample);
}

static void says_how_far_off_an_estimate_may_be(void **state)
{
	(void)state;
	struct sample *sample = sample_of_all_verdicts();
	sample_estimate(sample);
	json_t *document = document_of(sample, (struct json_report_options){0});
	json_t *sampling = json_object_get(document, "sampling");
	json_t *sampled =
		json_object_get(json_array_get(json_object_get(document, "sites"), 0), "sampled");
	const uint64_t live = sample->snapshots[sample->report.last_snapshot].raw.live_bytes;

	assert_int_equal(json_object_size(sampling), 4);
	assert_int_equal(json_integer_value(json_object_get(sampling, "bytes")), 512 << 10);
	assert_int_equal(json_integer_value(json_object_get(sampling, "samples")), 1234);
	assert_true(fabs(json_real_value(json_object_get(sampling, "live_bytes_error")) -
			 1.96 * 1e5 / (double)live) < 1e-6);
	assert_int_equal(json_object_size(sampled), 3);
	assert_int_equal(json_integer_value(json_object_get(sampled, "samples")), 100);
	assert_true(fabs(json_real_value(json_object_get(sampled, "live_bytes_error")) - 0.196) <
		    1e-6);
	assert_true(fabs(json_real_value(json_object_get(sampled, "live_blocks_error")) - 0.098) <
		    1e-6);
	json_decref(document);

	/* Of an older snapshot only that they are estimates is known. */
	sample->report.sampling = NULL;
	document = document_of(sample, (struct json_report_options){0});
	sampling = json_object_get(document, "sampling");
	assert_int_equal(json_integer_value(json_object_get(sampling, "bytes")), 512 << 10);
	assert_true(json_is_null(json_object_get(sampling, "samples")));
	assert_true(json_is_null(json_object_get(sampling, "live_bytes_error")));
	json_decref(document);
	free(sample);
}

static void says_who_frees_with_stacks_that_begin_at_the_program(void **state)
{
	struct sample *sample =
		sample_new(3, (enum verdict[]){VERDICT_LEAK, VERDICT_STABLE, VERDICT_STABLE});
	struct frame frames[] = {{.function = "operator delete", .is_wrapper = true},
				 {.function = "Session::~Session", .is_destructor = true},
				 {.function = "close_session", .file = "server.c", .line = 120}};
	struct freer freers[5];

	(void)state;
	for (size_t i = 0; i < 5; i++)
		freers[i] =
			(struct freer){.share = i ? 0.05 : 0.8, .frames = frames, .frame_count = 3};
	sample->sites[0].freed_by = (struct freer_list){freers, 5, 100};
	sample->sites[1].freed_by = (struct freer_list){freers, 0, 0};
	json_t *document = document_of(sample, (struct json_report_options){0});
	const json_t *sites = json_object_get(document, "sites");
	const json_t *freed_by = json_object_get(json_array_get(sites, 0), "freed_by");
	assert_int_equal(json_array_size(freed_by), 4);
	const json_t *first = json_array_get(freed_by, 0);
	assert_true(json_real_value(json_object_get(first, "share")) == 0.8);
	const json_t *stack = json_object_get(first, "stack");
	assert_int_equal(json_array_size(stack), 2);
	assert_string_equal(
		json_string_value(json_object_get(json_array_get(stack, 1), "function")),
		"close_session");
	/* Nothing was a sample; and it is not known. */
	freed_by = json_object_get(json_array_get(sites, 1), "freed_by");
	assert_true(json_is_array(freed_by) && json_array_size(freed_by) == 0);
	assert_true(json_is_null(json_object_get(json_array_get(sites, 2), "freed_by")));
	json_decref(document);
	free(sample);
}

static void says_who_holds_the_blocks_in_words(void **state)
{
	struct sample *sample =
		sample_new(3, (enum verdict[]){VERDICT_LEAK, VERDICT_STABLE, VERDICT_STABLE});
	struct holder_root root = {
		.kind = SEEP_ROOT_LOADER, .module = PROFILE_NO_MODULE, .name = ""};
	struct holders holders = {.roots = &root, .root_count = 1};
	struct holder_place place = {0};
	struct holder_shape shape = {.share = 1, .through = &sample->sites[1]};

	(void)state;
	sample->profile.holders = &holders;
	sample->report.holder_places = &place;
	sample->sites[0].held_by = (struct holder_shapes){&shape, 1};
	sample->sites[1].held_by = (struct holder_shapes){&shape, 0};
	json_t *document = document_of(sample, (struct json_report_options){0});
	const json_t *sites = json_object_get(document, "sites");
	const json_t *held_by = json_object_get(json_array_get(sites, 0), "held_by");
	assert_int_equal(json_array_size(held_by), 1);
	const json_t *first = json_array_get(held_by, 0);
	assert_int_equal(json_object_size(first), 3);
	assert_string_equal(json_string_value(json_object_get(first, "path")),
			    "the dynamic linker → this");
	assert_true(json_real_value(json_object_get(first, "share")) == 1);
	assert_string_equal(json_string_value(json_object_get(first, "through")),
			    sample->sites[1].id);
	/* Nobody was found; and it is not known. */
	held_by = json_object_get(json_array_get(sites, 1), "held_by");
	assert_true(json_is_array(held_by) && json_array_size(held_by) == 0);
	assert_true(json_is_null(json_object_get(json_array_get(sites, 2), "held_by")));
	json_decref(document);
	free(sample);
}

static void keeps_the_schema_of_a_diff(void **state)
{
	(void)state;
	struct sample *sample = sample_of_all_verdicts();
	sample->report.old = &sample->profile;
	sample->report.old_snapshot = 2;
	sample->sites[0].delta_bytes = -12;
	sample->sites[1].delta_blocks = 3;
	json_t *document = document_of(sample, (struct json_report_options){0});
	json_t *sites = json_object_get(document, "sites");

	assert_string_equal(json_string_value(json_object_get(document, "schema")), "seep.diff/1");
	check_schema(document, report_schema);
	check_schema(document, diff_schema);
	/* Only what changed is in a diff. */
	assert_int_equal(json_array_size(sites), 2);
	json_t *delta = json_object_get(json_array_get(sites, 0), "delta");
	assert_int_equal(json_integer_value(json_object_get(delta, "bytes")), -12);
	json_decref(document);
	free(sample);
}

static void names_each_end(void **state)
{
	(void)state;
	static const struct {
		enum seep_end_how how;
		bool is_running;
		const char *name;
	} cases[] = {
		{SEEP_END_EXIT, false, "exit"},	      {SEEP_END_SIGNAL, false, "signal"},
		{SEEP_END_EXEC, false, "exec"},	      {SEEP_END_UNKNOWN, true, "running"},
		{SEEP_END_UNKNOWN, false, "unknown"},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct sample *sample = sample_new(0, NULL);
		sample->profile.end_how = cases[i].how;
		sample->profile.is_running = cases[i].is_running;
		json_t *document = document_of(sample, (struct json_report_options){0});
		json_t *process = json_object_get(document, "process");
		assert_string_equal(json_string_value(json_object_get(process, "end")),
				    cases[i].name);
		assert_int_equal(json_is_null(json_object_get(process, "ended")),
				 cases[i].is_running);
		assert_string_equal(json_string_value(json_object_get(process, "started")),
				    "2026-11-21T01:50:12.123Z");
		json_decref(document);
		free(sample);
	}
}

static void unknown_things_are_null(void **state)
{
	(void)state;
	static struct frame frames[] = {{.offset = 0x7f00}};
	struct sample *sample = sample_new(1, (enum verdict[]){VERDICT_STABLE});
	sample->profile.ended_unix_ns = 0;
	sample->sites[0].frames = frames;
	sample->sites[0].frame_count = 1;
	sample->sites[0].judgement.growth =
		(struct growth){NAN, {-INFINITY, INFINITY}, NAN, NAN, NAN};
	json_t *document = document_of(sample, (struct json_report_options){0});
	json_t *site = json_array_get(json_object_get(document, "sites"), 0);
	json_t *frame = json_array_get(json_object_get(site, "stack"), 0);

	check_schema(document, report_schema);
	assert_true(json_is_null(json_object_get(frame, "function")));
	assert_true(json_is_null(json_object_get(frame, "line")));
	assert_true(
		json_is_null(json_object_get(json_object_get(site, "growth"), "bytes_per_hour")));
	json_decref(document);
	free(sample);
}

static void is_valid_whatever_the_names_are(void **state)
{
	(void)state;
	static char *command[] = {"\xff\xfe", "a\"b\\c\n\033[31m", "\xed\xa0\x80", ""};
	struct sample *sample = sample_of_all_verdicts();
	sample->profile.name = "\xc3";
	sample->profile.command = command;
	sample->profile.command_count = 4;
	json_t *document = document_of(sample, (struct json_report_options){0});
	json_t *process = json_object_get(document, "process");

	check_schema(document, report_schema);
	assert_string_equal(json_string_value(json_object_get(process, "name")), "\xef\xbf\xbd");
	json_decref(document);
	free(sample);
}

static void no_snapshot_is_no_excuse(void **state)
{
	(void)state;
	struct sample *sample = sample_new(0, NULL);
	sample->profile.snapshot_count = 0;
	sample->report.snapshot_count = 0;
	sample->report.point_count = 0;
	json_t *document = document_of(sample, (struct json_report_options){0});

	check_schema(document, report_schema);
	json_decref(document);
	free(sample);
}

static void fits_on_one_line_when_told(void **state)
{
	(void)state;
	struct sample *sample = sample_of_all_verdicts();
	struct json_report_options options = {.is_one_line = true, .site_limit = 2};
	char *text = SAMPLE_WRITTEN(stream, json_report_write(stream, &sample->report, &options));

	assert_ptr_equal(strchr(text, '\n'), text + strlen(text) - 1);
	free(text);
	json_t *document = document_of(sample, options);
	assert_int_equal(json_array_size(json_object_get(document, "sites")), 2);
	json_decref(document);
	free(sample);
}

static void stops_when_nobody_reads(void **state)
{
	(void)state;
	struct sample *sample = sample_of_all_verdicts();
	FILE *full = fopen("/dev/full", "w");

	assert_non_null(full);
	setvbuf(full, NULL, _IONBF, 0);
	assert_int_equal(json_report_write(full, &sample->report, &(struct json_report_options){0}),
			 -EIO);
	fclose(full);
	free(sample);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(keeps_the_schema_of_a_report),
		cmocka_unit_test(says_what_is_lost),
		cmocka_unit_test(a_scan_that_failed_says_why),
		cmocka_unit_test(memory_says_what_is_known),
		cmocka_unit_test(says_which_snapshots_are_missing),
		cmocka_unit_test(thresholds_and_alerts_name_their_sites),
		cmocka_unit_test(findings_name_the_sites_that_are_one_leak),
		cmocka_unit_test(evidence_is_null_where_there_is_none),
		cmocka_unit_test(evidence_has_the_marks_that_were_asked),
		cmocka_unit_test(has_both_stacks_of_a_difference),
		cmocka_unit_test(says_how_far_off_an_estimate_may_be),
		cmocka_unit_test(says_who_frees_with_stacks_that_begin_at_the_program),
		cmocka_unit_test(says_who_holds_the_blocks_in_words),
		cmocka_unit_test(keeps_the_schema_of_a_diff),
		cmocka_unit_test(names_each_end),
		cmocka_unit_test(unknown_things_are_null),
		cmocka_unit_test(is_valid_whatever_the_names_are),
		cmocka_unit_test(no_snapshot_is_no_excuse),
		cmocka_unit_test(fits_on_one_line_when_told),
		cmocka_unit_test(stops_when_nobody_reads),
	};

	return cmocka_run_group_tests_name("json_report", tests, NULL, NULL);
}
