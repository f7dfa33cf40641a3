/* SPDX-License-Identifier: Apache-2.0 */
/* run_judgement: the files of a run that has ended, judged one after the other. */
#ifndef SEEP_COMMANDS_RUN_JUDGEMENT_H
#define SEEP_COMMANDS_RUN_JUDGEMENT_H

struct error;
struct profile;
struct report;
struct report_options;
struct run_files;
struct suppressions;
struct symbols;

/* Counts in each file of the run the sites that the verdicts call leaks, how fast they grow, those that
 * are known instead, and wrong frees. An unreadable file does not keep the others from being judged; the first one's
 * reason is returned. A child's file that is gone by now had nothing to tell and is dropped. */
int run_judgement_make(struct run_files *run_files, struct suppressions *suppressions,
		       struct error *error);

/* The report of one of them, without what is known. 0, or a negative errno value and a sentence; report_free
 * releases it either way. */
int run_judgement_report(const struct profile *profile, const struct report_options *options,
			 struct suppressions *suppressions, struct report **report,
			 struct error *error);

/* For names: debug information that is not on this machine is for seep report to fetch. Null without
 * memory. */
struct symbols *run_judgement_symbols(void);

#endif
