/* SPDX-License-Identifier: Apache-2.0 */
/*
 * report: what will be shown, complete and in the order in which it is shown; pure data.
 *
 * Built from profiles by report_build (one run) or diff_build (two snapshots); stacks are filled in
 * by symbols/; then every emitter in output/ walks it without asking anybody anything.
 */
#ifndef SEEP_MODEL_REPORT_H
#define SEEP_MODEL_REPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tools/model/finding.h"
#include "tools/model/process_memory.h"
#include "tools/model/freer_list.h"
#include "tools/model/holder_shapes.h"
#include "tools/model/verdict.h"

struct error;
struct profile;
struct suppression;

/* One line of a stack. Strings are owned by the report (see report_text). */
struct frame {
	const char *function; /* demangled; null where unknown */
	const char *linkage_name; /* as the linker knows it; null where that is not mangled */
	const char *file;     /* as in the debug information; null where unknown */
	int line;             /* 0 where unknown */
	const char *module;   /* path of the object; null where none is known (JIT code) */
	uint64_t offset;      /* address in the object: pc - load bias; the pc itself without module */
	bool is_inlined;      /* inlined into the next frame outwards */
	bool is_wrapper;      /* an allocator's wrapper: operator new, xmalloc, strdup … */
	bool is_destructor;   /* of a stack that frees: ends an object of the program, ~Session */
	bool is_pseudo;       /* no code: `function` says what, e.g. "[deeper frames cut]" */
};

struct report_site {
	const struct site *site; /* null in a merged or diffed site without one */
	const struct profile *profile;
	uint32_t stack;
	uint32_t depth; /* only so many of the stack's innermost frames; 0: all, as of every site */
	char id[17]; /* 16 hex digits, stable across builds; "" until symbols have been filled in */
	uint64_t identity;   /* what all sites have in common that have the same functions, see site_twins */
	uint32_t twin_count; /* how many these are; 0: not known */
	struct judgement judgement;
	uint64_t live_bytes, live_blocks, allocations, frees;
	uint64_t peak_bytes, peak_blocks;  /* the blocks when the bytes were most */
	int64_t delta_bytes, delta_blocks; /* diff only: new - old */
	uint64_t old_bytes, old_blocks;    /* diff only */
	uint64_t old_allocations;	   /* diff only */
	int64_t aged_bytes; /* diff only: what of the growth is no traffic, see lasting_growth; may be
			     * more than delta_bytes, where other blocks became fewer */
	struct frame *frames; /* innermost first, from the program's own frame that called the
	                       * allocator outwards; null until symbols have been filled in */
	size_t frame_count;
	/* What the figures above rest on; null where they are exact, or it is not known. */
	const struct sampled_site *sampled;
	/* What the newest scan found of it; null where there was none. Of FINDING_LOST that of the
	 * site that has lost the others. */
	const struct scanned_site *scanned;
	/* Over time, one value for each of report.point_count points. */
	uint64_t *series_bytes, *series_blocks;
	struct freer_list freed_by;
	struct holder_shapes held_by; /* not in a diff */
	/* that it is a part of; null where it is none. Of the sum of a joined one that itself. */
	const struct report_finding *finding;
	/* It would be flagged, but somebody has said that it is known; see suppressions_apply. */
	const struct suppression *suppression;
	bool has_crossed; /* a threshold, see thresholds_check */
	/* What it has lost is lost for all who call the place that allocates it, see lost_place. */
	bool is_lost_by_place;
	const char *freed_with; /* of a wrong_free, the stack that frees: the symbol; else null */
};

/* Sites that are one leak, see finding.h. */
struct report_finding {
	enum finding_kind kind; /* not FINDING_SITE */
	/* What they have in common as if it were a site: their sum, and the stack that leads to them
	 * or that all of them share. It has no id. */
	struct report_site sum;
	struct report_site **sites; /* those of the report, in its order */
	size_t site_count;
	size_t all_count;  /* with those that the report leaves out */
	double share_kept; /* of the blocks that they allocated after start-up; NAN: not known */
	/* Of one that report_join has made: the findings and sites that it was made of, the one that holds
	 * the others or the largest first, and `sites` are in their order. Else none. */
	struct report_entry *parts;
	size_t part_count;
	bool is_same_number; /* each site keeps as many blocks as any other, in each period */
	bool is_held_by_first; /* most of what each other part keeps, as a scan has seen */
	const struct report_finding *joined; /* the one that this has become a part of; null */
};

/* A line of a report for people: one of the two. */
struct report_entry {
	struct report_finding *finding;
	struct report_site *site; /* that is part of no finding */
};

/* Two stacks for the same captures, see struct self_check in profile.h. Of the sites only profile,
 * stack and frames mean something. */
struct report_difference {
	struct report_site ours, libunwinds;
	uint32_t thread_id;
	uint64_t count;
};

/* A site whose live blocks keep free memory from being used otherwise. */
struct report_pin {
	struct report_site *site; /* of the report, or one without figures where that leaves it out */
	uint64_t bytes;
};

struct report {
	const struct profile *profile; /* the (newer) run */
	const struct profile *old;     /* diff: the older run, may be the same; else null */
	size_t old_snapshot; /* diff: index into old->snapshots of the older state */
	size_t first_snapshot, last_snapshot; /* indices into profile->snapshots that were judged */
	double span_s;                 /* between start (or older snapshot) and last snapshot */
	size_t snapshot_count;
	struct report_site *sites; /* flagged first, then by bytes per hour, then by live bytes */
	size_t site_count;
	/* The same sites, those of one finding taken together, in the same order; null in a diff. */
	struct report_entry *entries;
	size_t entry_count;
	struct report_difference *differences; /* the most frequent first; not in a diff */
	size_t difference_count;
	struct process_memory process_memory; /* not in a diff; its series are of the points below */
	struct report_pin *pins; /* where much is pinned, the largest first; null where none is */
	size_t pin_count;
	const struct sampling *sampling; /* of last_snapshot; null as in a site */
	const struct scan *scan; /* that tells of last_snapshot, also one that failed; null: none */
	struct holder_place *holder_places; /* what the roots of profile->holders are called; one for
					     * each, as far as it was asked for; not in a diff */
	double *series_t_s; /* point_count values */
	size_t point_count;
	/* thresholds that were crossed, see thresholds_check; none in a diff */
	struct crossing *crossings;
	size_t crossing_count;
	struct wrong_free *wrong_frees; /* see symbols_find_wrong_frees; none in a diff */
	size_t wrong_free_count;
	struct report_memory *memory; /* private */
};

struct report_options {
	uint64_t min_bytes;    /* leave out unflagged sites with fewer live bytes */
	size_t first_snapshot; /* judge the run from this snapshot index on */
	size_t snapshot_limit; /* and as if it had only this many snapshots (an index + 1); 0: all */
	bool flag_minor;       /* also leaks that do not matter beside what else grows */
	bool flag_growing;     /* also what grows and is not decided yet */
	bool keep_empty_sites; /* also sites without a live block at the last snapshot */
	/* Null, or which sites to keep whatever they hold at the last snapshot. */
	bool (*is_kept)(const struct report_site *site, const void *context);
	const void *context;
};

/* Returns 0 and a report for report_free, or a negative errno value. The profile must live longer. */
int report_build(const struct profile *profile, const struct report_options *options,
                 struct report **report, struct error *error);

/* What grew from snapshot `old_index` of `old` to `new_index` of `profile`; the two may be the same
 * file. Two snapshots of one run are matched by stack; sites of different runs by id, so symbols must
 * be filled in on both first. `resolve` (see symbols/) does that: it is called with each run's report
 * before they are matched, or once with the finished report of one run, where it may be null. Sites
 * come in the order DIFF_BY_AGED; unchanged ones are left out. */
typedef int (*report_resolver)(struct report *report, void *context, struct error *error);
int diff_build(const struct profile *old, size_t old_index, const struct profile *profile,
               size_t new_index, report_resolver resolve, void *context, struct report **report,
               struct error *error);

enum diff_order {
	DIFF_BY_AGED, /* what of the growth is no traffic, then by bytes */
	DIFF_BY_BYTES,
	DIFF_BY_BLOCKS,
};
/* The largest growth first. */
void diff_sort(struct report *report, enum diff_order order);

/* Half the width of the interval in which the true number lies with 95 %, as a part of the estimate;
 * NAN for an estimate of 0. */
double report_error_95(double standard_error, uint64_t estimate);

/* A copy of `text` that lives as long as the report; equal texts are stored once. */
const char *report_text(struct report *report, const char *text);
/* `count` zeroed frames that live as long as the report. */
struct frame *report_frames(struct report *report, size_t count);

/* True where the newest snapshot is shown of a process that has ended, and it is an earlier one. */
bool report_lacks_last_state(const struct report *report);

/* Does the moment lie in the part of the run that was judged? In seconds since the start of the run. */
bool report_covers(const struct report *report, double time_s);

/* Has a flagged site given back nearly all of it, as a program does that tidies up when it ends? It
 * grew while it ran all the same. */
bool report_site_is_given_back(const struct report_site *site);

/* True for a site of which only lost blocks of another hold what is lost: it comes and goes with that
 * one. */
bool report_site_hangs(const struct report_site *site);

/* What an entry is about, as a site. */
struct report_site *report_entry_site(const struct report_entry *entry);
/* How many leaks there are, where those of one finding are one. */
size_t report_leak_count(const struct report *report);

void report_free(struct report *report);

/* Makes the site's id from its frames: functions and module base names (no lines, no offsets where a
 * function is known), so that it survives rebuilds and line shifts. */
void report_site_identify(struct report_site *site);

/* How many frames it has without those of what starts a program or a thread, which the C library is free to
 * change; all where it has no others. */
size_t report_site_length(const struct report_site *site);

/* Where it is called from, frame by frame, of the frames that the id is made of: lines, or addresses
 * where no line is known. There is room for one of each frame. Returns how many there are. */
#define REPORT_PLACES_MAX 8192
size_t report_site_places(const struct report_site *site, uint64_t *places);

/* Is it in a library that comes with the system? Programs of the system that lie among them (git) are as
 * good as their libraries here. */
bool frame_is_of_system(const struct frame *frame);

/* The file that the site's own frame is in, or of what has called a library of the system: its source as in
 * the debug information, or its module where that is not known; "" without frames. */
const char *report_site_source(const struct report_site *site, bool *is_module);

/* Makes the id that of the `number`-th of its twins. */
void report_site_number(struct report_site *site, size_t number);

/* Makes one entry of findings that are one mistake: leaks that are born together (companions), and lost
 * blocks of one place (lost_place). What is known must have been taken out before (suppressions_apply):
 * a part of a mistake may be known. Symbols show more: which functions only allocate for others. Does
 * nothing to those that were joined before. False without memory. */
bool report_join(struct report *report);

/* The entry's finding that the site is a part of; null where it is an entry of its own. */
const struct report_finding *report_site_finding(const struct report_site *site);

/* Would it flag something that somebody knows? */
bool report_has_known(const struct report *report);

/* Somebody knows the site, and it does not count in a finding that has others, which nobody knows. */
bool report_site_is_known(const struct report_site *site);

/* Leads the stack of a finding on to the innermost function that all its sites share, once they have
 * their frames; a line in which they differ is 0. False without memory. */
bool report_finding_narrow(struct report *report, struct report_finding *finding);

#endif
