/* SPDX-License-Identifier: Apache-2.0 */
/*
 * run_summary: what `seep run` says when the program has ended.
 *
 * Every line begins with "seep: ", because it stands among what the program has printed. The whole
 * story is seep report's; here is only whether it is worth reading.
 */
#include "tools/commands/run_summary.h"

#include <errno.h>
#include <limits.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tools/commands/child_process.h"
#include "tools/commands/run_files.h"
#include "tools/commands/run_judgement.h"
#include "tools/commands/run_tree.h"
#include "tools/commands/unseen_memory.h"
#include "tools/model/error.h"
#include "tools/model/profile.h"
#include "tools/model/report.h"
#include "tools/model/scan.h"
#include "tools/model/suppression.h"
#include "tools/model/threshold.h"
#include "tools/model/wrong_free.h"
#include "tools/output/frame_text.h"
#include "tools/output/function_name.h"
#include "tools/output/lost_text.h"
#include "tools/output/memory_text.h"
#include "tools/output/number_text.h"
#include "tools/output/shell_word.h"
#include "tools/output/stack_shape.h"
#include "tools/output/text_style.h"
#include "tools/output/threshold_text.h"
#include "tools/output/utf8.h"
#include "tools/symbols/symbols.h"

/* With less than this free, the last snapshot may not have found room. */
#define FULL_DISK_BYTES (256u << 10)
#define CROSSINGS_SHOWN 3
#define KNOWN_BYTES 1024
#define NAME_COLUMNS 60

/* The name that is shortest to type here. */
static const char *path_to_type(const char *path)
{
	char folder[PATH_MAX];

	if (getcwd(folder, sizeof(folder)) && strcmp(folder, "/") != 0) {
		size_t length = strlen(folder);
		if (strncmp(path, folder, length) == 0 && path[length] == '/')
			return path + length + 1;
	}
	return path;
}

/* A program may be called anything, and so may its file. */
static void write_command(FILE *out, const char *path)
{
	char word[SHELL_WORD_BYTES];

	fputs("seep report ", out);
	utf8_write_harmless(out, shell_word(path_to_type(path), word));
}

static void write_end(FILE *out, const char *program, const struct child_process *child)
{
	const struct number_text duration = number_duration(child->seconds);

	fputs("seep: ", out);
	utf8_write_harmless(out, program);
	if (WIFSIGNALED(child->wait_status))
		fprintf(out, " (%d) was ended by signal %d (%s) after %s\n", (int)child->pid,
			WTERMSIG(child->wait_status), strsignal(WTERMSIG(child->wait_status)),
			duration.text);
	else
		fprintf(out, " (%d) ended with status %d after %s\n", (int)child->pid,
			WEXITSTATUS(child->wait_status), duration.text);
}

/* As seep report calls it. */
static void write_function(FILE *out, const struct frame *frame)
{
	static const struct text_style style = {.width = 80, .is_utf8 = true};
	char buffer[FRAME_NAME_BYTES];
	char *name = function_name_fit(&style, frame_name(frame, buffer), NAME_COLUMNS);

	utf8_write_harmless(out, name ? name : "?");
	free(name);
}

/* " in open_session, server.c:88" */
static void put_place(FILE *out, const struct report_site *site)
{
	char place[FRAME_PLACE_BYTES];
	const struct frame *frame = stack_own_frame(site);

	if (!frame || frame->is_pseudo)
		return;
	fputs(" in ", out);
	write_function(out, frame);
	const char *where = frame_place(site, frame, place);
	if (*where)
		fputs(*where == '(' ? " " : ", ", out);
	utf8_write_harmless(out, where);
	frame = stack_caller_frame(site);
	if (!frame)
		return;
	fputs(", called from ", out);
	write_function(out, frame);
	where = frame_place(site, frame, place);
	if (*where)
		fputc(' ', out);
	utf8_write_harmless(out, where);
}

/* Of one of the entries. */
static void write_place(FILE *out, struct report *report, size_t index)
{
	struct symbols *symbols = run_judgement_symbols();

	if (symbols && symbols_resolve(symbols, report, index + 1, NULL) == 0)
		put_place(out, report_entry_site(&report->entries[index]));
	symbols_free(symbols);
}

static size_t count_verdicts(const struct report *report, enum verdict verdict)
{
	size_t count = 0;

	for (size_t i = 0; i < report->site_count; i++)
		count += report->sites[i].judgement.verdict == verdict;
	return count;
}

/* The first entry that is flagged as this, and how many there are. */
static size_t find_flagged(const struct report *report, enum verdict verdict, size_t *count)
{
	size_t first = 0;

	*count = 0;
	for (size_t i = 0; i < report->entry_count; i++) {
		const struct judgement *judgement =
			&report_entry_site(&report->entries[i])->judgement;
		if (!judgement->is_flagged || judgement->verdict != verdict)
			continue;
		first = *count ? first : i;
		++*count;
	}
	return first;
}

/* What nothing points to any more; or that it is not known, where somebody has asked. */
static void write_lost(FILE *out, struct report *report)
{
	size_t count, first = find_flagged(report, VERDICT_LOST, &count);

	if (!report->scan)
		return;
	const struct scan rest = suppressions_leave(report), *scan = &rest;
	fprintf(out, "seep: %s",
		count ? lost_text_brief(scan).text
		      : lost_text_sentence(
				scan,
				report->profile->snapshots[report->last_snapshot].raw.lost_blocks)
				.text);
	if (count > 1)
		fprintf(out, " at %s places; first:", number_count(count).text);
	if (count)
		write_place(out, report, first);
	fputc('\n', out);
}

static void write_headline(FILE *out, struct report *report, bool has_leaking_child)
{
	size_t flagged, first_leak = find_flagged(report, VERDICT_LEAK, &flagged),
			growing = count_verdicts(report, VERDICT_GROWING);
	size_t unfreed = count_verdicts(report, VERDICT_UNFREED);

	if (profile_is_unseen(report->profile)) {
		fputs("seep: nothing was seen: its malloc is its own, and comes before any "
		      "preloaded one\n",
		      out);
	} else if (flagged) {
		const struct report_site *site = report_entry_site(&report->entries[first_leak]);
		const struct judgement *first = &site->judgement;
		fprintf(out, flagged == 1 ? "seep: 1 leak:" : "seep: %zu leaks; first:", flagged);
		if (first->growth.bytes_per_hour > 0)
			fprintf(out, " %s", number_rate(first->growth.bytes_per_hour).text);
		write_place(out, report, first_leak);
		if (report_site_is_given_back(site))
			fprintf(out, "; %s at its peak, %sfreed at the end",
				number_bytes(site->peak_bytes).text,
				site->live_blocks ? "mostly " : "");
		fputc('\n', out);
	} else if (growing) {
		fprintf(out, "seep: no leak found yet; %s still %s, undecided",
			growing == 1 ? "1 site" : "some sites", growing == 1 ? "grows" : "grow");
		if (report->sites[0].judgement.snapshots_needed)
			fprintf(out, " (%u more snapshots would tell)",
				report->sites[0].judgement.snapshots_needed);
		fputc('\n', out);
	} else if (report_leak_count(report)) {
		return; /* what is lost has been said */
	} else if (unfreed) {
		fprintf(out,
			"seep: no growth could be judged in so short a run; %zu %s live at its "
			"end\n",
			unfreed, unfreed == 1 ? "site was" : "sites were");
	} else {
		fprintf(out, "seep: no leak found%s\n",
			has_leaking_child ? " in the program itself" : "");
	}
}

/* Said again, for days may lie between the warning and the end. */
static void write_unseen(FILE *out, const struct profile *profile)
{
	char unseen[UNSEEN_MEMORY_BYTES];

	if (unseen_memory_describe(profile, NULL, unseen))
		fprintf(out, "seep: but %s\n", unseen);
}

/* What of the memory as a whole is not as it should be, and no site shows. */
static void write_memory(FILE *out, const struct report *report)
{
	char brief[MEMORY_BRIEF_BYTES];

	if (memory_text_brief(report, brief))
		fprintf(out, "seep: memory: %s\n", brief);
}

static void write_state(FILE *out, const struct profile *profile)
{
	struct statvfs system;

	if (profile->snapshot_count) {
		const struct snapshot *last = &profile->snapshots[profile->snapshot_count - 1];
		fprintf(out, "seep: %s in %s %s live ", number_bytes(last->raw.live_bytes).text,
			number_count(last->raw.live_blocks).text,
			last->raw.live_blocks == 1 ? "block" : "blocks");
		if (profile_has_last_state(profile))
			fputs("at the end", out);
		else
			fprintf(out, "after %s", number_duration(last->time_s).text);
		fprintf(out, "; %zu %s\n", profile->snapshot_count,
			profile->snapshot_count == 1 ? "snapshot" : "snapshots");
		if (profile->sample_bytes)
			fprintf(out, "seep: these are estimates, from one block in %s allocated\n",
				number_bytes(profile->sample_bytes).text);
	}
	if (!profile_has_last_state(profile)) {
		fputs("seep: the state at the end is not in the file", out);
		if (profile_oom_share(profile) > 0)
			fprintf(out, "; %.0f %% of its memory limit were in use: out of memory",
				100 * profile_oom_share(profile));
		if (statvfs(profile->path, &system) == 0 && system.f_blocks &&
		    system.f_bavail * system.f_frsize < FULL_DISK_BYTES)
			fprintf(out, ": %s", strerror(ENOSPC));
		fputc('\n', out);
	}
}

/* The child's file that leaks most; null where none does. */
static const struct run_file *worst_child(const struct run_files *run_files)
{
	const struct run_file *worst = NULL;

	for (size_t i = 0; i < run_files->count; i++) {
		const struct run_file *file = &run_files->files[i];
		if (run_files_are_same(file, &run_files->files[run_files->root]) ||
		    !file->leak_count)
			continue;
		if (!worst || file->leak_bytes_per_hour > worst->leak_bytes_per_hour)
			worst = file;
	}
	return worst;
}

/* What is known is counted, so that nobody takes it for nothing; "" where nothing is. */
static void describe_known(const struct run_files *run_files,
			   const struct suppressions *suppressions, char text[KNOWN_BYTES])
{
	const struct suppression *first = NULL;
	uint64_t bytes = 0, blocks = 0;
	size_t sites = 0, used_count = 0;
	char line[16] = "", more[80] = "";

	text[0] = '\0';
	for (size_t i = 0; i < run_files->count; i++) {
		sites += run_files->files[i].known_count;
		bytes += run_files->files[i].known_bytes;
		blocks += run_files->files[i].known_blocks;
	}
	for (size_t i = 0; sites && i < suppressions->count; i++) {
		const struct suppression *suppression = &suppressions->list[i];
		if (!suppression->site_count || suppression->is_exceeded)
			continue;
		first = first ? first : suppression;
		used_count++;
	}
	if (!first)
		return;
	if (!first->is_builtin)
		snprintf(line, sizeof(line), ":%u", first->line);
	if (used_count > 1)
		snprintf(more, sizeof(more), " and %s more", number_count(used_count - 1).text);
	snprintf(text, KNOWN_BYTES,
		 "%s known leak%s not flagged, %s in %s block%s: %.300s (%.300s%s)%s",
		 number_count(sites).text, sites == 1 ? " is" : "s are", number_bytes(bytes).text,
		 number_count(blocks).text, number_plural(blocks), first->name, first->path, line,
		 more);
}

static bool leaks(const struct run_file *file)
{
	return file->leak_count;
}

static bool is_unseen(const struct run_file *file)
{
	return file->is_unseen;
}

static bool frees_wrongly(const struct run_file *file)
{
	return file->wrong_free_count;
}

/* Processes, not files: an exec gives a process a second one. */
static size_t count_children(const struct run_files *run_files,
			     bool (*is_counted)(const struct run_file *))
{
	size_t count = 0;

	for (size_t i = 0; i < run_files->count; i++) {
		const struct run_file *file = &run_files->files[i];
		bool is_new = is_counted(file) &&
			      !run_files_are_same(file, &run_files->files[run_files->root]);
		for (size_t before = 0; before < i && is_new; before++)
			is_new = !run_files_are_same(&run_files->files[before], file) ||
				 !is_counted(&run_files->files[before]);
		count += is_new;
	}
	return count;
}

static void write_children(FILE *out, const struct run_files *run_files, const char *folder)
{
	const struct run_file *worst = worst_child(run_files);
	size_t leaking = count_children(run_files, leaks);
	size_t unseen = count_children(run_files, is_unseen);
	size_t freeing_wrongly = count_children(run_files, frees_wrongly);

	if (!run_files->child_count)
		return;
	fprintf(out, "seep: and %zu child %s, ", run_files->child_count,
		run_files->child_count == 1 ? "process" : "processes");
	if (!leaking)
		fputs("none leaks", out);
	else if (run_files->child_count == 1)
		fputs("which leaks", out);
	else
		fprintf(out, "%zu %s", leaking, leaking == 1 ? "leaks" : "leak");
	if (leaking) {
		fputs(leaking > 1 ? ", most in " : ", in ", out);
		utf8_write_harmless(out, folder && worst->is_in_folder
						 ? strrchr(worst->path, '/') + 1
						 : path_to_type(worst->path));
	}
	if (folder && access(folder, F_OK) == 0) {
		fputs(": ", out);
		write_command(out, folder);
	}
	fputc('\n', out);
	if (freeing_wrongly)
		fprintf(out, "seep: and wrong frees in %zu of them\n", freeing_wrongly);
	if (unseen)
		fprintf(out, "seep: but nothing was seen of %zu of them, whose malloc is %s own\n",
			unseen, unseen == 1 ? "its" : "their");
	run_tree_write(out, run_files);
}

/* As write_memory, of the first child of which there is something to say. */
static void write_memory_of_children(FILE *out, const struct run_files *run_files)
{
	const struct run_file *first = NULL;
	size_t others = 0;

	for (size_t i = 0; i < run_files->count; i++) {
		const struct run_file *file = &run_files->files[i];
		if (run_files_are_same(file, &run_files->files[run_files->root]) || !*file->memory)
			continue;
		if (first)
			others++;
		else
			first = file;
	}
	if (!first)
		return;
	fprintf(out, "seep: memory of child process %d: %s", (int)first->pid, first->memory);
	if (others)
		fprintf(out, "; and of %s more", number_count(others).text);
	fputc('\n', out);
}

/* Only bad news: a stack in one of the files may be wrong. */
static void write_self_check(FILE *out, const struct run_files *run_files)
{
	const struct run_file *worst = NULL;
	uint64_t checked = 0, different = 0;

	for (size_t i = 0; i < run_files->count; i++) {
		const struct run_file *file = &run_files->files[i];
		checked += file->checked;
		different += file->different;
		if (file->different > (worst ? worst->different : 0))
			worst = file;
	}
	if (!worst)
		return;
	fprintf(out, "seep: self-check: %s %s in %s captures compared with libunwind: ",
		number_count(different).text, different == 1 ? "difference" : "differences",
		number_count(checked).text);
	write_command(out, worst->path);
	fputc('\n', out);
}

/* What is worth reading first: the program's own file, unless only a child leaks. */
static const struct run_file *file_to_read(const struct run_files *run_files)
{
	const struct run_file *root = &run_files->files[run_files->root];
	const struct run_file *worst = root->leak_count ? NULL : worst_child(run_files);

	return worst ? worst : root;
}

/* Rules for functions would need symbols of all sites: seep report has the time for that. */
static struct thresholds without_rules(const struct thresholds *thresholds)
{
	struct thresholds simple = *thresholds;

	if (simple.rule_count)
		simple.limits[THRESHOLD_SITE_GROWTH] = simple.limits[THRESHOLD_SITE_LIVE] =
			INFINITY;
	simple.rule_count = 0;
	return simple;
}

static void write_wrong_frees(FILE *out, const struct report *report)
{
	size_t count = wrong_frees_count(report), first = 0;
	char text[WRONG_FREE_BYTES];

	if (!count)
		return;
	while (report->wrong_frees[first].freed.suppression)
		first++;
	wrong_free_text(&report->wrong_frees[first], text);
	fprintf(out, "seep: %s wrong free%s%s %s", number_count(count).text, number_plural(count),
		count == 1 ? ":" : "; first:", text);
	put_place(out, &report->wrong_frees[first].freed);
	fputc('\n', out);
}

static void write_crossings(FILE *out, const struct report *report)
{
	size_t count = report->crossing_count;

	for (size_t i = 0; i < count && i < CROSSINGS_SHOWN; i++)
		fprintf(out, "seep: threshold crossed: %s\n",
			threshold_sentence(&report->crossings[i]).text);
	if (count > CROSSINGS_SHOWN)
		fprintf(out, "seep: and %s more thresholds\n",
			number_count(count - CROSSINGS_SHOWN).text);
}

int run_summary_write(FILE *out, const char *program, const struct child_process *child,
		      const struct run_files *run_files, const char *children_folder,
		      const struct thresholds *thresholds, struct suppressions *suppressions,
		      struct error *error)
{
	const struct thresholds watched = without_rules(thresholds);
	const char *path = run_files->files[run_files->root].path;
	const struct report_options options = {.is_kept = thresholds_concern_site,
					       .context = &watched};
	struct profile *profile = NULL;
	struct report *report = NULL;
	char known[KNOWN_BYTES];
	int result = profile_read(path, &profile, error);

	describe_known(run_files, suppressions, known);
	/* Its numbers are those of all files, and this one is looked at once more. */
	suppressions_start_again(suppressions);
	if (result == 0)
		result = run_judgement_report(profile, &options, suppressions, &report, error);
	if (result == 0 && thresholds_check(&watched, report) < 0)
		result = error_set(error, ENOMEM, "not enough memory for the thresholds");
	if (result == 0) {
		write_end(out, program, child);
		write_lost(out, report);
		write_headline(out, report,
			       file_to_read(run_files) != &run_files->files[run_files->root]);
		write_unseen(out, report->profile);
		if (*known) {
			fputs("seep: ", out);
			utf8_write_harmless(out, known);
			fputc('\n', out);
		}
		write_memory(out, report);
		write_wrong_frees(out, report);
		write_crossings(out, report);
		write_state(out, profile);
		write_children(out, run_files, children_folder);
		write_memory_of_children(out, run_files);
		write_self_check(out, run_files);
		fputs("seep: more: ", out);
		write_command(out, file_to_read(run_files)->path);
		fputc('\n', out);
	}
	report_free(report);
	profile_free(profile);
	return result;
}
