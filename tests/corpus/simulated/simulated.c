/* SPDX-License-Identifier: Apache-2.0 */
/*
 * simulated: how often the verdicts are right on simulated sites.
 *
 *   simulated [OPTION]...        a line for each class: the share that is flagged at each number of
 *                                snapshots; then precision, recall and F1
 *     --sites=N                  so many sites of each class (default 100)
 *     --seed=N                   default 1001. Seeds below 1000 are for tuning, the others for
 *                                judging what came of it; no constant was chosen by looking at those
 *     --snapshots=N              instead of 10, 20, 40 and 80; may be given several times
 *     --automatic                snapshots as the automatic interval takes them, ever rarer
 *     --sample=BYTES             of processes that sample; not the classes of buffers
 *     --class=TEXT               only classes with TEXT in their name
 *     --misses                   names each site that is judged wrongly
 *     --limit=NAME*FACTOR        with one constant of the verdict multiplied
 *     --sensitivity              F1 with half and with twice of each constant
 *     --cost                     how long it takes to judge 100,000 sites of 200 snapshots
 */
#include <getopt.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "tests/corpus/simulated/simulated_site.h"
#include "tools/model/cohort_series.h"
#include "tools/model/verdict.h"

#define MAX_LENGTHS 8
#define SNAPSHOT_S 10 /* seconds of a period */

struct plan {
	uint64_t sites, seed;
	size_t lengths[MAX_LENGTHS], length_count;
	bool is_automatic, names_misses;
	double sample_bytes;
	const char *class;
	struct verdict_limits limits;
};

struct outcome {
	unsigned flagged[SIMULATED_CLASS_COUNT][MAX_LENGTHS];
	unsigned words[SIMULATED_CLASS_COUNT][VERDICT_LOST + 1]; /* at the last length */
};

struct quality {
	double precision, recall, f1;
};

static struct simulated_site site;
static struct simulated_profile made;
static struct cohort_series series;

static const struct {
	const char *name;
	size_t offset;
} limit_names[] = {
#define VERDICT_LIMIT(name, value) {#name, offsetof(struct verdict_limits, name)},
	VERDICT_LIMITS(VERDICT_LIMIT)
#undef VERDICT_LIMIT
};
#define LIMIT_COUNT (sizeof(limit_names) / sizeof(*limit_names))

static double *limit_at(struct verdict_limits *limits, size_t index)
{
	return (double *)(void *)((char *)limits + limit_names[index].offset);
}

static bool is_wanted(const struct plan *plan, int class)
{
	return !plan->class || strstr(simulated_names[class], plan->class);
}

static struct judgement judge(const struct plan *plan)
{
	cohort_series_make(&series, &made.profile, &made.site, 0, made.profile.snapshot_count - 1);
	return verdict_judge_series(&series, &plan->limits);
}

static bool is_of_buffers(void)
{
	for (size_t b = 0; b < site.periods; b++)
		if (site.bytes[site.periods - 1][b])
			return true;
	return false;
}

static void run_class(const struct plan *plan, int class, size_t length, struct outcome *outcome)
{
	for (uint64_t i = 0; i < plan->sites; i++) {
		size_t periods = plan->lengths[length];
		simulated_site_make(&site, (enum simulated_class) class, periods,
				    plan->is_automatic, plan->seed, i);
		if (plan->sample_bytes > 0 && !is_of_buffers())
			simulated_site_sample(&site, plan->sample_bytes);
		simulated_profile_make(&made, &site, SNAPSHOT_S);
		struct judgement judgement = judge(plan);
		outcome->flagged[class][length] += judgement.is_flagged;
		if (length + 1 == plan->length_count)
			outcome->words[class][judgement.verdict]++;
		if (plan->names_misses && judgement.is_flagged != simulated_leaks[class])
			printf("%s, site %llu of seed %llu, %zu snapshots: %s\n",
			       simulated_names[class], (unsigned long long)i,
			       (unsigned long long)plan->seed, periods,
			       verdict_name(judgement.verdict));
	}
}

static struct outcome run(const struct plan *plan)
{
	struct outcome outcome = {0};
	for (size_t length = 0; length < plan->length_count; length++)
		for (int class = 0; class < SIMULATED_CLASS_COUNT; class ++)
			if (is_wanted(plan, class))
				run_class(plan, class, length, &outcome);
	return outcome;
}

static struct quality quality_of(const struct plan *plan, const struct outcome *outcome, int first,
				 int end, size_t length)
{
	double right = 0, wrong = 0, leaks = 0;
	for (int class = first; class < end; class ++) {
		if (!is_wanted(plan, class))
			continue;
		*(simulated_leaks[class] ? &right : &wrong) += outcome->flagged[class][length];
		leaks += simulated_leaks[class] ? (double)plan->sites : 0;
	}
	struct quality quality = {
		.precision = right + wrong > 0 ? right / (right + wrong) : 1,
		.recall = leaks > 0 ? right / leaks : 1,
	};
	double sum = quality.precision + quality.recall;
	quality.f1 = sum > 0 ? 2 * quality.precision * quality.recall / sum : 0;
	return quality;
}

static void print_outcome(const struct plan *plan, const struct outcome *outcome)
{
	printf("%llu sites of each class, seed %llu, %s interval; flagged at so many snapshots, "
	       "and "
	       "the words at the last:\n%-35s",
	       (unsigned long long)plan->sites, (unsigned long long)plan->seed,
	       plan->is_automatic ? "automatic" : "regular", "");
	for (size_t i = 0; i < plan->length_count; i++)
		printf(" %5zu", plan->lengths[i]);
	printf("  ");
	for (int word = 0; word < VERDICT_LOST; word++)
		printf(" %.5s", verdict_name((enum verdict)word));
	printf("\n");
	for (int class = 0; class < SIMULATED_CLASS_COUNT; class ++) {
		if (!is_wanted(plan, class))
			continue;
		printf("%s %-33s", simulated_leaks[class] ? "+" : "-", simulated_names[class]);
		for (size_t i = 0; i < plan->length_count; i++)
			printf(" %5.3f", (double)outcome->flagged[class][i] / (double)plan->sites);
		printf("  ");
		for (int word = 0; word < VERDICT_LOST; word++)
			printf(" %5u", outcome->words[class][word]);
		printf("\n");
	}
	static const struct {
		const char *name;
		int first, end;
	} groups[] = {
		{"first", 0, SIMULATED_FIRST_COUNT},
		{"tuned with", 0, SIMULATED_TUNED_COUNT},
		{"never tuned with", SIMULATED_TUNED_COUNT, SIMULATED_CLASS_COUNT},
	};
	for (size_t group = 0; group < sizeof(groups) / sizeof(*groups); group++) {
		printf("the %d classes %s\n", groups[group].end - groups[group].first,
		       groups[group].name);
		for (size_t i = 0; i < plan->length_count; i++) {
			struct quality quality = quality_of(plan, outcome, groups[group].first,
							    groups[group].end, i);
			printf("  %3zu snapshots: precision %.4f  recall %.4f  F1 %.4f\n",
			       plan->lengths[i], quality.precision, quality.recall, quality.f1);
		}
	}
}

static void print_changed(struct plan plan, size_t index, double factor)
{
	*limit_at(&plan.limits, index) *= factor;
	struct outcome outcome = run(&plan);
	for (size_t i = 0; i < plan.length_count; i++) {
		struct quality all = quality_of(&plan, &outcome, 0, SIMULATED_TUNED_COUNT, i);
		printf(" | %.3f / %.3f / %.3f", all.precision, all.recall, all.f1);
	}
}

static void print_sensitivity(const struct plan *plan)
{
	struct verdict_limits limits = plan->limits;
	printf("precision / recall / F1 over the classes tuned with, at");
	for (size_t i = 0; i < plan->length_count; i++)
		printf(" %zu", plan->lengths[i]);
	printf(" snapshots, with half of the constant and with twice of it\n| %-15s | %5s",
	       "as it is", "");
	print_changed(*plan, 0, 1);
	printf(" |\n");
	for (size_t i = 0; i < LIMIT_COUNT; i++) {
		printf("| %-15s | %5.3g", limit_names[i].name, *limit_at(&limits, i));
		print_changed(*plan, i, 0.5);
		print_changed(*plan, i, 2);
		printf(" |\n");
		fflush(stdout);
	}
}

static double seconds(void)
{
	struct timespec now;
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

/* From the points of a profile, as a report does it. Such a profile of 100,000 sites would take 20
 * GB, so some of each class are judged again and again. */
static void print_cost(const struct plan *plan)
{
	enum { SITES = 100000, SNAPSHOTS = 200, EACH = 4, AGAIN = 100 };
	double spent = 0, judged = 0, worst = 0;
	for (int class = 0; class < SIMULATED_CLASS_COUNT; class ++) {
		double start, of_class = 0;
		for (uint64_t i = 0; i < EACH; i++) {
			simulated_site_make(&site, (enum simulated_class) class, SNAPSHOTS,
					    plan->is_automatic, plan->seed, i);
			simulated_profile_make(&made, &site, SNAPSHOT_S);
			start = seconds();
			for (int again = 0; again < AGAIN; again++)
				verdict_judge(&made.profile, &made.site, 0, SNAPSHOTS - 1);
			of_class += seconds() - start;
		}
		if (plan->names_misses)
			printf("%-33s %6.1f us\n", simulated_names[class],
			       of_class / (EACH * AGAIN) * 1e6);
		spent += of_class;
		judged += EACH * AGAIN;
		worst = fmax(worst, of_class / (EACH * AGAIN));
	}
	printf("%d sites x %d snapshots: %.2f s (all classes alike), %.2f s (all of the dearest "
	       "class)\n",
	       SITES, SNAPSHOTS, spent / judged * SITES, worst * SITES);
}

static bool take_limit(struct verdict_limits *limits, const char *text)
{
	const char *star = strchr(text, '*');
	for (size_t i = 0; star && i < LIMIT_COUNT; i++) {
		size_t length = strlen(limit_names[i].name);
		if (length == (size_t)(star - text) &&
		    !strncmp(text, limit_names[i].name, length)) {
			*limit_at(limits, i) *= atof(star + 1);
			return true;
		}
	}
	fprintf(stderr, "simulated: \"%s\" is no NAME*FACTOR of a constant of the verdict\n", text);
	return false;
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{"sites", required_argument, NULL, 'n'},
		{"seed", required_argument, NULL, 's'},
		{"snapshots", required_argument, NULL, 't'},
		{"automatic", no_argument, NULL, 'a'},
		{"class", required_argument, NULL, 'c'},
		{"sample", required_argument, NULL, 'b'},
		{"misses", no_argument, NULL, 'm'},
		{"limit", required_argument, NULL, 'l'},
		{"sensitivity", no_argument, NULL, 'S'},
		{"cost", no_argument, NULL, 'C'},
		{0},
	};
	struct plan plan = {.sites = 100, .seed = 1001, .limits = verdict_limits};
	bool is_cost = false, is_sensitivity = false;
	for (int option; (option = getopt_long(argc, argv, "", options, NULL)) != -1;) {
		switch (option) {
		case 'n':
			plan.sites = strtoull(optarg, NULL, 10);
			break;
		case 's':
			plan.seed = strtoull(optarg, NULL, 10);
			break;
		case 't':
			plan.lengths[plan.length_count] = strtoul(optarg, NULL, 10);
			if (plan.lengths[plan.length_count] < 2 ||
			    plan.lengths[plan.length_count] > SIMULATED_MAX_PERIODS ||
			    ++plan.length_count == MAX_LENGTHS) {
				fprintf(stderr,
					"simulated: snapshots are 2 to %d, and no more than "
					"%d such numbers\n",
					SIMULATED_MAX_PERIODS, MAX_LENGTHS - 1);
				return 2;
			}
			break;
		case 'a':
			plan.is_automatic = true;
			break;
		case 'c':
			plan.class = optarg;
			break;
		case 'b':
			plan.sample_bytes = strtod(optarg, NULL);
			break;
		case 'm':
			plan.names_misses = true;
			break;
		case 'l':
			if (!take_limit(&plan.limits, optarg))
				return 2;
			break;
		case 'S':
			is_sensitivity = true;
			break;
		case 'C':
			is_cost = true;
			break;
		default:
			return 2;
		}
	}
	if (!plan.length_count) {
		static const size_t lengths[] = {10, 20, 40, 80};
		memcpy(plan.lengths, lengths, sizeof(lengths));
		plan.length_count = sizeof(lengths) / sizeof(*lengths);
	}
	if (is_cost) {
		print_cost(&plan);
	} else if (is_sensitivity) {
		print_sensitivity(&plan);
	} else {
		struct outcome outcome = run(&plan);
		print_outcome(&plan, &outcome);
	}
	return 0;
}
