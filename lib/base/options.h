/* SPDX-License-Identifier: Apache-2.0 */
/*
 * options: the settings of include/seep/settings.h as this process runs with them.
 *
 * Read once from the environment at start, then never changed; readable by everybody without a
 * lock.
 */
#ifndef LIB_BASE_OPTIONS_H
#define LIB_BASE_OPTIONS_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "seep/file_lending.h"

#define OPTIONS_STACK_DEPTH_MAX 512
#define OPTIONS_ONE_IN_MAX 1000000000u
#define OPTIONS_SAMPLE_MAX (1ull << 30)
#define OPTIONS_SCAN_INTERVAL_MIN_NS 10000000u

enum snapshots_by { SNAPSHOTS_BY_PROCESS, SNAPSHOTS_BY_THREAD, SNAPSHOTS_BY_INLINE };
/* Where a limit is off: nothing is larger. */
#define OPTIONS_NO_LIMIT UINT64_MAX
#define OPTIONS_SHARE_MAX 1000u

/* How fast something may grow. */
struct options_rate {
	uint64_t bytes_per_hour; /* rounded up; OPTIONS_NO_LIMIT: as fast as it likes */
	uint64_t per_ns;	 /* the time that it was given for; 0 where it is off */
};

enum children { CHILDREN_ALL, CHILDREN_NONE, CHILDREN_NAMED };

struct options {
	char output[PATH_MAX];	   /* pattern with %p and %e */
	uint64_t interval_ns;	   /* 0: adaptive */
	uint64_t growth_bytes;	   /* 0: off */
	uint64_t near_limit;	   /* in 1/1000; OPTIONS_NO_LIMIT: off */
	uint64_t scan_interval_ns; /* 0: none but at the end */
	bool scans_at_exit;
	uint32_t stack_depth;
	uint64_t sample_bytes; /* mean distance of samples; 0: every block */
	bool tracks_mmap;
	char allocator[32]; /* prefix of its functions; "": none but malloc */
	enum children children;
	char children_names[1024]; /* separated by commas */
	enum snapshots_by snapshots_by;
	uint64_t max_file_bytes;
	uint32_t selfcheck_one_in; /* captures; 0: none */
	/* Thresholds; OPTIONS_NO_LIMIT where there is none. */
	struct options_rate max_growth, max_site_growth;
	uint64_t max_live_bytes, max_site_live_bytes;
	uint64_t max_heap_share; /* in 1/1000 */
	bool stores_command_line;
	bool has_loss_checks;
	bool is_quiet;
	uint32_t root_pid;		/* pid of the process that seep run started; 0: unknown */
	char children_output[PATH_MAX]; /* pattern for its children, its folder is made; "": output
					 */
	/* NAME and KEY of include/seep/file_lending.h; "": none */
	char file_lender[SEEP_LENDER_NAME_DIGITS + SEEP_LENDER_KEY_DIGITS + 1];
	char tool[PATH_MAX];		/* the seep that may be asked for names; "": none */
};

extern struct options options;

/* Fills `options` from the defaults and then from a text such as "interval=5s:stack_depth=32"; null
 * means defaults only. An option that cannot be understood keeps its default and is described
 * in `complaint` (first one only; "" where all is well). */
void options_parse(const char *text, char *complaint, size_t complaint_bytes);

/* Of such a text only what sample_bytes will be: needed before everything else, on any stack. */
uint64_t options_read_sample(const char *text);

/* True when a process called `name` that runs the program at `path` ("" where unknown) is to be followed as
 * a child of the root. */
bool options_follow_child(const char *name, const char *path);

#endif
