/* SPDX-License-Identifier: Apache-2.0 */
/* report_folder: the reports of the snapshot files in a folder, such as those of a run's child processes. */
#ifndef SEEP_COMMANDS_REPORT_FOLDER_H
#define SEEP_COMMANDS_REPORT_FOLDER_H

struct report_request;
struct sink;
struct symbols;

/* Those with a finding first, and in full. Says itself what went wrong; an exit status. */
int report_folder_write(const struct report_request *request, const char *path,
			struct symbols *symbols, struct sink *sink);

#endif
