/* SPDX-License-Identifier: Apache-2.0 */
/*
 * program_diagnosis: how much of a program that can be preloaded will be seen.
 */
#ifndef SEEP_COMMANDS_PROGRAM_DIAGNOSIS_H
#define SEEP_COMMANDS_PROGRAM_DIAGNOSIS_H

struct diagnosis;
struct program_file;

/* What its file says of its allocator, its language and its debug information; for a `file` that
 * program_check has accepted. */
void program_diagnosis(struct diagnosis *diagnosis, const struct program_file *file);

#endif
