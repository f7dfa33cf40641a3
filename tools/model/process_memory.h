/* SPDX-License-Identifier: Apache-2.0 */
/*
 * process_memory: the memory of the process as a whole, over time, and what to think of it.
 *
 * Is what grows a leak, or memory that the program has freed and that nobody has got back? What seep
 * itself takes is never counted against the program.
 */
#ifndef SEEP_MODEL_PROCESS_MEMORY_H
#define SEEP_MODEL_PROCESS_MEMORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tools/model/memory_part.h"

struct arena;
struct profile;

enum memory_verdict {
	MEMORY_UNKNOWN,	       /* too few snapshots, or the file does not say */
	MEMORY_STABLE,	       /* nothing of it keeps growing, and little of it is unused */
	MEMORY_LEAK,	       /* flagged sites add to it, so much that it matters */
	MEMORY_GROWING,	       /* what is requested at other sites keeps growing */
	MEMORY_FRAGMENTATION,  /* free memory that live blocks pin */
	MEMORY_NOT_RETURNED,   /* free pages that the allocator keeps */
	MEMORY_OUTSIDE_MALLOC, /* mappings, stacks, other allocators, files */
};

/* In a series: not known at this moment. */
#define MEMORY_NOT_KNOWN UINT64_MAX

struct memory_figure {
	bool is_known; /* at the last snapshot; then `bytes` and `series` mean something */
	uint64_t bytes, peak_bytes;
	uint64_t *series; /* one value for each of the report's points */
	bool has_growth;  /* enough snapshots to measure it */
	bool keeps_growing;
	double bytes_per_hour, bytes_per_hour_ci95[2];
};

/* Something that grows, or that is there for no use. */
struct memory_finding {
	enum memory_verdict verdict;
	enum memory_part part;
	double bytes_per_hour; /* 0 where it does not grow but stays */
	/* where it stays: as much as was there all the time of late; else what is there */
	uint64_t bytes;
	double confidence;
};

#define MEMORY_FINDINGS_MAX 6

struct process_memory {
	enum memory_verdict verdict; /* that of the first finding, where there is one */
	double confidence;	     /* 0 to 1; 0 of MEMORY_UNKNOWN */
	/* The fastest growth first, what only stays behind it. */
	struct memory_finding findings[MEMORY_FINDINGS_MAX];
	size_t finding_count;
	struct memory_figure figures[PART_COUNT];
	size_t leak_count; /* of MEMORY_LEAK */
	/* Of MEMORY_GROWING: the least number of sites that make up nine tenths of what was added. */
	size_t grown_sites;
};

/* What the report found out about the sites of malloc and its family. What leaks in mappings is outside
 * malloc. */
struct memory_leaks {
	size_t count;	       /* what is one leak counts once */
	double bytes_per_hour; /* of all together */
	double confidence;     /* of the surest */
	/* for each of the profile's sites; may be null where there is no leak */
	const bool *is_leak;
};

/* Judges the snapshots with the indices `first` to `last`. A series has a value for each of the
 * `point_count` snapshots in `points`. Returns false without memory. */
bool process_memory_make(struct process_memory *memory, const struct profile *profile, size_t first,
			 size_t last, const struct memory_leaks *leaks, const size_t *points,
			 size_t point_count, struct arena *arena);

/* As in JSON: "not_returned". */
const char *memory_verdict_name(enum memory_verdict verdict);

#endif
