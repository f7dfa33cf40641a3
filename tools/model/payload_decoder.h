/* SPDX-License-Identifier: Apache-2.0 */
/*
 * payload_decoder: the payload of each type of record, piece by piece.
 *
 * Knows the layout of the format and nothing about what the pieces mean together. Every function
 * returns false, and stores nothing that could be believed, when the payload does not hold what it
 * says. Pointers that it stores lead into the payload.
 */
#ifndef SEEP_MODEL_PAYLOAD_DECODER_H
#define SEEP_MODEL_PAYLOAD_DECODER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "seep/snapshot_format.h"

/* What is left to decode. */
struct payload {
	const uint8_t *at, *end;
};

struct decoded_process {
	struct seep_process fixed;
	const char *exe, *name, *command; /* fixed.…_bytes long, not terminated */
};

struct decoded_module {
	struct seep_module fixed;
	const uint8_t *build_id;
	const char *path;
};

struct decoded_node {
	uint32_t parent;
	uint32_t generation;
	uint64_t pc;
};

struct decoded_snapshot {
	struct seep_snapshot fixed;
	const char *label;
	struct payload entries;
};

struct decoded_entry {
	uint32_t stack;
	uint64_t live_blocks, live_bytes, allocations, allocated_bytes;
	uint64_t cohort_count; /* that many cohorts can be decoded, if the payload is sound */
};

struct decoded_cohort {
	uint32_t epoch;
	uint64_t blocks, bytes;
};

struct decoded_sampled_site {
	uint32_t stack;
	uint64_t samples, blocks_error, bytes_error;
};

struct decoded_free_pair {
	uint32_t stack, free_stack;
	uint64_t samples;
};

struct decoded_pinned_site {
	uint32_t stack;
	uint64_t bytes;
};

struct block_sum {
	uint64_t blocks, bytes;
};

struct decoded_scanned_site {
	uint32_t stack;
	struct block_sum definitely, indirectly, possibly, reachable, below;
	uint32_t head; /* 0 where the record names none */
};

struct decoded_root {
	struct seep_root fixed;
	const char *name; /* fixed.name_bytes long, not terminated */
};

struct decoded_path {
	uint32_t stack, root;
	uint64_t blocks;
	uint32_t step_count; /* that many steps can be decoded, if the payload is sound */
};

struct decoded_step {
	uint32_t stack;
	uint64_t offset, count;
};

bool payload_process(struct payload payload, struct decoded_process *process);
bool payload_end(struct payload payload, struct seep_end *end);
bool payload_unload(struct payload *payload, struct seep_module_unload *unload);

/* The beginning of a record of a self-check; the payload then stands in front of the first
 * difference. */
/* The text of the record, ended by nothing. */
bool payload_suppressions(struct payload payload, const void **text, uint32_t *bytes);
/* The free that has ended the program; `*words` are its message_bytes. */
bool payload_fatal_free(struct payload payload, struct seep_fatal_free *fatal, const void **words);

bool payload_self_check(struct payload *payload, struct seep_self_check *check);
/* The next difference of such a record. */
bool payload_difference(struct payload *payload, const struct seep_self_check *check,
			struct seep_difference *difference);

/* The beginning of a record of samples; the payload then stands in front of the first site. */
bool payload_samples(struct payload *payload, struct seep_samples *samples);
/* The next site of such a record. `*last_stack` is 0 before the first one. */
bool payload_sampled_site(struct payload *payload, uint32_t *last_stack,
			  struct decoded_sampled_site *site);

/* The beginning of a record of frees; the payload then stands in front of the first pair. */
bool payload_frees(struct payload *payload, struct seep_frees *frees);
/* The next pair of such a record. `pair` is the one before, with 0 for both stacks before the first
 * one. */
bool payload_free_pair(struct payload *payload, struct decoded_free_pair *pair);

/* The beginning of a record of pins; the payload then stands in front of the first site. */
bool payload_pins(struct payload *payload, struct seep_pins *pins);
/* The next site of such a record. `*last_stack` is 0 before the first one. */
bool payload_pinned_site(struct payload *payload, uint32_t *last_stack,
			 struct decoded_pinned_site *site);

bool payload_alert(struct payload payload, struct seep_alert *alert);

/* The beginning of a record of a scan; the payload then stands in front of the first site. */
bool payload_scan(struct payload *payload, struct seep_scan *scan);
/* The next site of such a record. `*last_stack` is 0 before the first one. */
bool payload_scanned_site(struct payload *payload, const struct seep_scan *scan,
			  uint32_t *last_stack, struct decoded_scanned_site *site);

/* The beginning of a record of holders; the payload then stands in front of the first root, and
 * `paths` in front of the first path. */
bool payload_holders(struct payload *payload, struct seep_holders *holders, struct payload *paths);
/* The next root; the payload then stands in front of the one after it. */
bool payload_root(struct payload *payload, struct decoded_root *root);
/* The next path without its steps. `*last_stack` is 0 before the first one. */
bool payload_path(struct payload *payload, uint32_t *last_stack, struct decoded_path *path);
bool payload_step(struct payload *payload, struct decoded_step *step);

/* The next module; the payload then stands in front of the one after it. */
bool payload_module(struct payload *payload, struct decoded_module *module);

/* The beginning of a record of stacks; the payload then stands in front of the first node. */
bool payload_stacks(struct payload *payload, struct seep_stacks *stacks);

/* The node `id`. `*last_pc` is 0 before the first one of a record. */
bool payload_node(struct payload *payload, uint32_t id, uint64_t *last_pc,
		  struct decoded_node *node);

bool payload_snapshot(struct payload payload, struct decoded_snapshot *snapshot);

/* The next entry without its cohorts. `*last_stack` is 0 before the first one. */
bool payload_entry(struct payload *payload, uint32_t *last_stack, struct decoded_entry *entry);

/* The next cohort. `*last_epoch` is 0 before the first one of an entry. */
bool payload_cohort(struct payload *payload, uint32_t *last_epoch, bool is_first,
		    struct decoded_cohort *cohort);

#endif
