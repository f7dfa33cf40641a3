/* SPDX-License-Identifier: Apache-2.0 */
/*
 * suppression: what is known, and shall not be reported.
 *
 * Two syntaxes, as their tools read them; both may stand in one file.
 *
 * LeakSanitizer's: a line `leak:TEXT`. It holds for a stack in which the function, the source file or
 * the module of any frame contains TEXT, where * stands for anything, and ^ and $ at its ends for the
 * beginning and the end (SanitizerSuppressions; TemplateMatch in sanitizer_suppressions.cpp).
 *
 * Valgrind's: a block in braces with a name, `Memcheck:Leak`, perhaps `match-leak-kinds:`, and frames
 * `fun:`, `obj:`, `src:` and `...` from the allocator outwards, where * and ? are wildcards and a text is
 * compared as a whole (manual, 2.5 "Suppressing errors"). Functions of C++ may be written as the
 * linker knows them or demangled. `Memcheck:Free` is for wrong frees, and of the stack that frees. Blocks
 * for other kinds of errors are skipped.
 *
 * A comment of the form
 *
 *     # seep: program=test_* max-bytes=64K max-blocks=10 expires=2027-06-30 reason=freed by the kernel
 *
 * in a line of its own belongs to the suppression that follows it: it holds in processes of these names
 * (several with commas between them, * and ? are wildcards), as long as all sites that it matches have
 * together no more live bytes and blocks than that, and up to the end of that day (UTC). `reason` takes
 * the rest of the line. The other tools skip it.
 */
#ifndef SEEP_MODEL_SUPPRESSION_H
#define SEEP_MODEL_SUPPRESSION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct arena;
struct error;
struct frame_pattern;
struct profile;
struct report;
struct report_site;
struct scan;

/* As in match-leak-kinds. What grows is still reachable, unless a scan has said otherwise. */
enum leak_kind {
	LEAK_DEFINITE = 1,
	LEAK_INDIRECT = 2,
	LEAK_POSSIBLE = 4,
	LEAK_REACHABLE = 8,
	LEAK_ANY = 15,
	WRONG_FREE = 16, /* no leak, but Memcheck:Free */
};

struct suppression {
	const char *name;		      /* of a line, its text */
	const struct frame_pattern *patterns; /* a line has one, a block those of its frames */
	size_t pattern_count;
	unsigned kinds;			/* enum leak_kind */
	uint64_t max_bytes, max_blocks; /* UINT64_MAX: any number */
	int64_t expires_unix_s;		/* the first second in which it does not hold; 0: never */
	const char *expires;		/* the day as it was written; null */
	const char *reason;		/* null: none given */
	const char *path;		/* where it was read */
	const char *site_id;		/* of a baseline's: instead of patterns; null */
	double max_bytes_per_hour;	/* likewise; INFINITY: any rate */
	const char *program;		/* likewise: which had it when that was written; null */
	const char *source;		/* likewise: its source_place then; null: any */
	const char *folder;		/* likewise: from which that is seen */
	const char *entry;		/* likewise: the line as it stands in the file */
	const char *programs; /* only in processes of these names, with commas; null: in all */
	const char *exe;      /* only for this program, which has said so itself; null: for all */
	unsigned line;
	bool is_builtin;
	bool is_of_drivers; /* only for what runs the tests, see suppressions_add_drivers */
	bool is_off;	    /* likewise: the process that is looked at is none */
	/* What it has met; see suppressions_apply. */
	uint64_t bytes, blocks; /* those of a baseline in the last report only */
	size_t site_count;	/* flagged sites that it matches */
	bool is_exceeded;	/* they were more than it allows, so it did not hold */
	bool is_exceeded_here;	/* in the last report */
	bool has_run;		/* a baseline's: a process of its program was looked at */
	bool has_failed;	/* likewise: one that may not have come so far */
};

struct suppressions {
	struct suppression *list;
	size_t count, room;
	struct arena *arena;		 /* owns all texts */
	struct suppression_index *index; /* private */
};

/* Adds those of a text; `path` is for messages. Returns 0 or -errno with the line in `error`. */
int suppressions_parse(struct suppressions *suppressions, const char *path, const char *text,
		       size_t bytes, struct error *error);
/* The same of a file of at most 16 MiB. */
int suppressions_read(struct suppressions *suppressions, const char *path, struct error *error);
/* Those that a program has of its own, see SEEP_RECORD_SUPPRESSIONS: they hold for its processes only.
 * Nothing happens when they are known already. None of them counts where one is wrong. */
int suppressions_add_program(struct suppressions *suppressions, const char *exe, const char *text,
			     struct error *error);
/* What the C and C++ libraries lose by themselves. */
int suppressions_add_builtin(struct suppressions *suppressions, struct error *error);
/* What a program keeps that only runs the tests. It holds while a process is looked at that is said to be
 * one. */
int suppressions_add_drivers(struct suppressions *suppressions, struct error *error);
void suppressions_look_at(struct suppressions *suppressions, bool is_driver);
void suppressions_free(struct suppressions *suppressions);

/* What of the site it is about: of one that is lost what is, else all that is live. */
struct suppressed_amount {
	uint64_t bytes, blocks;
} suppressed_amount(const struct report_site *site);

bool suppression_has_expired(const struct suppression *suppression, int64_t now_unix_s);

/* Does it match the stack, whatever its limits? The frames must have been filled in. */
bool suppression_matches(const struct suppression *suppression, const struct report_site *site);

/* For each flagged site of the report, and each that is part of a flagged finding, the first one that
 * matches and holds: the site keeps its verdict and is no longer flagged, and report_site.suppression
 * says by which. The report is put in order again, so nobody may keep a pointer to one of its sites.
 * Adds to the numbers of each, over all reports that it is called with: one that allows so many
 * blocks allows them to all processes together; but one of a baseline to each. The frames must have been
 * filled in, of these sites. False without memory. */
bool suppressions_apply(struct suppressions *suppressions, struct report *report,
			int64_t now_unix_s);

/* The same for its wrong frees. No block hangs on them: limits mean nothing. */
void suppressions_apply_wrong_frees(struct suppressions *suppressions, struct report *report,
				    int64_t now_unix_s);

/* What a report's scan has found without what is suppressed; it must have one. */
struct scan suppressions_leave(const struct report *report);

/* A process is looked at: what of the baseline its program does not have any more is gone, unless that has
 * failed, for then it may only not have come so far. */
void suppressions_note_process(struct suppressions *suppressions, const struct profile *profile);
/* Who should have run them all has failed. */
void suppressions_note_failure(struct suppressions *suppressions);

/* Forgets what they have met. */
void suppressions_start_again(struct suppressions *suppressions);

#endif
