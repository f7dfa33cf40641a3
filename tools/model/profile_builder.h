/* SPDX-License-Identifier: Apache-2.0 */
/*
 * profile_builder: collects what the records say, then makes a profile of it.
 *
 * First the records of process, modules, stacks and end are added, in any order; then
 * profile_builder_link; then the snapshots in the order of the file; then profile_builder_finish.
 * A function returns 0, -EBADMSG when something in the record could not be believed (the rest of it
 * was used where possible, the caller counts it as damaged), or -ENOMEM.
 */
#ifndef SEEP_MODEL_PROFILE_BUILDER_H
#define SEEP_MODEL_PROFILE_BUILDER_H

#include <stddef.h>
#include <stdint.h>

struct profile;
struct profile_builder;
struct record;

/* `file_bytes` bounds what a file of that size can mean. Null without memory. */
struct profile_builder *profile_builder_new(size_t file_bytes);

int profile_builder_add(struct profile_builder *builder, const struct record *record);

/* Finds each node's module and the nodes that are there twice. */
int profile_builder_link(struct profile_builder *builder);

int profile_builder_add_snapshot(struct profile_builder *builder, const struct record *record);

/* Hands over the profile, still without path and damage; null without memory. */
struct profile *profile_builder_finish(struct profile_builder *builder);

void profile_builder_free(struct profile_builder *builder);

#endif
