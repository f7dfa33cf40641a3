/* SPDX-License-Identifier: Apache-2.0 */
/*
 * profile: everything that one snapshot file says, as plain data.
 *
 * The only reader of the format in include/seep/snapshot_format.h. It trusts nothing in the file:
 * a damaged record is skipped and counted, ids and counts are checked, memory stays proportional
 * to the size of the file. Single-threaded; a profile is not changed after profile_read.
 */
#ifndef SEEP_MODEL_PROFILE_H
#define SEEP_MODEL_PROFILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "seep/snapshot_format.h"

struct error;
struct holder_path; /* see holders.h */
struct holders;
struct scan; /* see scan.h */
struct scanned_site;

#define PROFILE_NO_MODULE UINT32_MAX

struct module {
	uint32_t id;
	uint32_t generation;
	uint32_t loaded_epoch;
	uint32_t unloaded_epoch; /* 0 while it is loaded */
	uint64_t load_bias, start, end;
	uint32_t flags; /* SEEP_MODULE_… */
	char *path;
	uint8_t *build_id;
	size_t build_id_bytes;
};

/* Node `id` of the call tree; index 0 is the root and means "no further frame". */
struct stack_node {
	uint32_t parent; /* smaller than the node's own id */
	uint32_t module; /* index into profile.modules, or PROFILE_NO_MODULE */
	uint64_t pc;     /* return address, or enum seep_pseudo_pc */
};

struct cohort {
	uint32_t epoch; /* first epoch of birth; reaches up to the next cohort's */
	uint64_t blocks;
	uint64_t bytes;
};

/* What one snapshot says of one site. */
struct site_point {
	uint32_t snapshot; /* index into profile.snapshots */
	uint32_t cohort_count;
	const struct cohort *cohorts; /* owned by the profile */
	uint64_t live_blocks, live_bytes;
	uint64_t allocations, allocated_bytes; /* cumulative */
};

/* All blocks of one stack over the whole run. Points are in rising order of snapshot and hold only
 * changes: between two points the site is as at the earlier one, before the first it is empty. */
struct site {
	uint32_t stack; /* id of its innermost node */
	uint32_t point_count;
	const struct site_point *points; /* owned by the profile */
};

struct snapshot {
	uint32_t number; /* as written; thinning leaves gaps */
	uint32_t epoch;
	double time_s; /* since the start of the run */
	enum seep_snapshot_reason reason;
	uint32_t flags; /* SEEP_SNAPSHOT_… */
	char *label;    /* "" where there is none */
	struct seep_snapshot raw; /* the totals as written */
};

/* Two stacks for the same captures. */
struct stack_difference {
	uint32_t ours, libunwinds; /* ids of their innermost nodes */
	uint32_t thread_id;
	uint64_t count;
};

/* What came of --selfcheck. */
struct self_check {
	struct seep_self_check raw; /* as written */
	struct stack_difference *differences;
	size_t difference_count;
};

/* What the estimates for one site rest on, in a run with --sample. */
struct sampled_site {
	uint32_t stack;
	uint64_t samples;		    /* live */
	double blocks_error, bytes_error; /* standard errors of what is live */
};

struct sampling {
	struct seep_samples raw; /* as written; of one snapshot */
	struct sampled_site *sites; /* in rising order of stack id */
	size_t site_count;
};

/* Frees of the blocks of one site by one stack. */
struct free_pair {
	uint32_t stack, free_stack; /* of the allocations, of the frees */
	uint64_t samples;
};

/* Who frees, as far as frees were sampled. */
struct free_samples {
	struct seep_frees raw; /* as written */
	/* in rising order of stack id; of one site the most samples first */
	struct free_pair *pairs;
	size_t pair_count;
};

/* The free that has ended the program. */
struct fatal_free {
	struct seep_fatal_free raw; /* as written */
	const char *message;	    /* libc's words, printable */
};

/* What the live blocks of one site keep from being used otherwise. */
struct pinned_site {
	uint32_t stack;
	uint64_t bytes;
};

struct site_pins {
	struct seep_pins raw;	   /* as written; of one snapshot */
	struct pinned_site *sites; /* in rising order of stack id */
	size_t site_count;
};

/* A threshold that the program itself saw crossed. */
struct alert {
	struct seep_alert raw; /* as written; kind is one of those that there are */
	double time_s;	       /* since the start of the run */
};

struct profile {
	char *path; /* of the file */
	/* The process. */
	uint32_t pid, parent_pid, forked_from, inherited_epoch;
	char *exe, *name;
	char **command; /* command_count strings */
	size_t command_count;
	uint32_t stack_depth;
	bool tracks_mappings; /* mmap and brk, too */
	bool follows_allocator; /* inside of the program, too */
	bool has_own_malloc;  /* in front of the library's: only what that one passes on is known */
	uint64_t interval_ns; /* 0: adaptive */
	uint64_t start_ticks;
	uint32_t single_epochs; /* the rule by which old epochs are merged, see seep_snapshot */
	uint64_t started_unix_ns;
	uint16_t version_minor; /* of the file; what came later is 0 in it */
	enum seep_end_how end_how;
	bool is_running; /* no end record, and the process (pid and start_ticks) still exists here */
	int32_t end_status;
	uint64_t ended_unix_ns; /* 0 where unknown */
	double ended_s;		/* since the start of the run; 0 where unknown */

	struct module *modules;
	size_t module_count;
	struct stack_node *nodes; /* nodes[0] is the root */
	size_t node_count;
	struct snapshot *snapshots; /* in order of time */
	size_t snapshot_count;
	struct site *sites; /* in rising order of stack id */
	size_t site_count;

	struct self_check *self_check; /* null where it was not asked for */

	uint64_t sample_bytes;	   /* one block in so many bytes was recorded; 0: every block */
	struct sampling *sampling; /* null where nothing is known of it */
	struct site_pins *pins;	   /* likewise; see profile_pins */

	struct alert *alerts; /* in the order of the file */
	size_t alert_count;

	struct free_samples *frees; /* null where the file does not say */
	struct fatal_free *fatal_free; /* null where none has */

	const char *suppressions; /* what the program says is no leak; null where it says nothing */

	struct scan *scan;	 /* the newest, also one that failed; null where there is none */
	struct holders *holders; /* null where no scan said so; see site_holders */

	/* What could not be read. */
	struct {
		uint64_t damaged_records; /* also lost ones, seen by a gap in the sequence */
		uint64_t skipped_bytes;
		bool tail_is_torn; /* the last record is incomplete: normal after a crash */
	} damage;

	struct profile_memory *memory; /* private */
};

/* Reads the file. Returns 0 and a profile for profile_free, or a negative errno value and a full
 * sentence in `error`: not there, not readable, not a seep file, of a newer version, cut before
 * the first record, too large for memory. A file without any snapshot is read without error. */
int profile_read(const char *path, struct profile **profile, struct error *error);
void profile_free(struct profile *profile);

/* The site's state at snapshot index `snapshot`: the last point at or before it, or null while the
 * site does not exist yet. */
const struct site_point *site_at(const struct site *site, size_t snapshot);

/* Is it the last word, of a program that has ended or gone on as another one? It may have tidied up. */
static inline bool snapshot_is_last_word(const struct snapshot *snapshot)
{
	return snapshot->reason == SEEP_REASON_FINAL || snapshot->reason == SEEP_REASON_EXEC;
}

/* Are its blocks mappings, of mmap or brk, and not malloc's? */
bool site_is_mapping(const struct profile *profile, const struct site *site);

/* What the site's estimates at snapshot index `snapshot` rest on; null where they are none, or it is
 * not known of this snapshot. */
const struct sampled_site *site_sampled(const struct profile *profile, const struct site *site,
					size_t snapshot);
/* The same for the whole snapshot. */
const struct sampling *snapshot_sampling(const struct profile *profile, size_t snapshot);

/* What frees the site's blocks, `*count` stacks, the most frequent first; also none, where none of the
 * frees was a sample. Null where the file is of a version that does not know of it. */
const struct free_pair *site_freers(const struct profile *profile, const struct site *site,
				    size_t *count);

/* True where the process has a malloc of its own that passed nothing on: not a block is known, and
 * that says nothing about leaks. */
bool profile_is_unseen(const struct profile *profile);

/* The last snapshot is of the moment in which the process ended, or became another program. */
bool profile_has_last_state(const struct profile *profile);

/* Of the memory limit that would be met first, the part that was in use in the last snapshot of a process
 * that SIGKILL ended, or that is gone and nobody has seen how; 0 where it was less than
 * PROFILE_NEAR_LIMIT or the state at its end is known, for then it was hardly the OOM killer. */
#define PROFILE_NEAR_LIMIT 0.9
double profile_oom_share(const struct profile *profile);

/* Which sites pinned free memory when that was last looked at, at snapshot index `snapshot` or before
 * it; null where it was not. */
const struct site_pins *profile_pins(const struct profile *profile, size_t snapshot);

/* The scan that tells what was lost at snapshot index `snapshot`, or at one before it; also one that
 * failed. Null where there was none. */
const struct scan *profile_scan(const struct profile *profile, size_t snapshot);

/* What it says of the site; nothing but zeros where that had no live block then. Null where no scan was
 * done, and of mappings, which no scan asks for. */
const struct scanned_site *site_scanned(const struct profile *profile, const struct site *site,
					size_t snapshot);

/* Who holds the site's blocks as of that scan: `*count` paths, those of the most blocks first. Null
 * where it does not say. */
const struct holder_path *site_holders(const struct profile *profile, const struct site *site,
				       size_t snapshot, size_t *count);

/* Finds a snapshot by what the user typed after FILE@: a number as shown by `seep snapshots`, a
 * label, "first", "last", or a negative number counted from the end (-1 is the last). Stores its
 * index. */
int profile_find_snapshot(const struct profile *profile, const char *name, size_t *index,
                          struct error *error);

#endif
