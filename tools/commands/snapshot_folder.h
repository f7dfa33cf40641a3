/* SPDX-License-Identifier: Apache-2.0 */
/*
 * snapshot_folder: the snapshot files in a folder, as seep run leaves one with the files of a
 * program's child processes.
 */
#ifndef SEEP_COMMANDS_SNAPSHOT_FOLDER_H
#define SEEP_COMMANDS_SNAPSHOT_FOLDER_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct error;

struct snapshot_folder {
	char **paths; /* in the order of their names */
	size_t count;
};

/* The folder with the files of a process's children is called as its own file is without .seep, and so. */
#define SNAPSHOT_FOLDER_CHILDREN ".children"

/* How much of a file's path is left without .seep. */
size_t snapshot_folder_stem(const char *path);

/* Is this the name of a folder? */
bool snapshot_folder_is(const char *path);

/* Finds every snapshot file that lies in the folder itself, or in one beside them that seep run has
 * made for the files of children; what is none is passed over, what cannot be opened is taken for one,
 * so that somebody says so. Returns 0, or -errno and a sentence: -ENOENT when there is none. Either way
 * snapshot_folder_free releases it. */
int snapshot_folder_list(struct snapshot_folder *folder, const char *path, struct error *error);
void snapshot_folder_free(struct snapshot_folder *folder);

/* Where the child processes of process `pid`, whose file is `path`, have written: stores the folder, and
 * returns how many files lie in it; 0 where there is none. */
size_t snapshot_folder_of_children(const char *path, uint32_t pid, char folder[PATH_MAX]);

#endif
