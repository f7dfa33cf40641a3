/* SPDX-License-Identifier: Apache-2.0 */
/*
 * kept_files: where a command has the snapshot files of a run, and whether they stay.
 *
 * They go also when a signal ends the command, whichever: while the program runs, child_process
 * passes on those that people send, but who is tired of waiting for the answer presses Ctrl-C, too.
 * So what removes them is only made of calls that a handler may use, which opendir and nftw are not.
 */
#include "tools/commands/kept_files.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "tools/commands/settings_text.h"
#include "tools/model/error.h"

/* A child's children have their folders in its own, so it may be deep; what somebody else made deeper
 * stays behind. */
#define DEEPEST 64
#define ENTRIES_BYTES 2048

static char doomed[PATH_MAX]; /* read by the handler; "" while there is nothing to remove */
static struct sigaction before[NSIG];

/* By default; and can be caught. */
static bool ends_process(int number)
{
	switch (number) {
	case SIGKILL:
	case SIGSTOP:
	case SIGTSTP:
	case SIGTTIN:
	case SIGTTOU:
	case SIGCONT:
	case SIGCHLD:
	case SIGURG:
	case SIGWINCH:
		return false;
	default:
		return true;
	}
}

/* What a process that is still running puts there later stays behind. */
static void remove_below(int folder, const char *name, int depth)
{
	_Alignas(struct dirent64) char entries[ENTRIES_BYTES];
	int fd = openat(folder, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	long bytes;

	if (fd < 0)
		return;
	while ((bytes = syscall(SYS_getdents64, fd, entries, sizeof(entries))) > 0)
		for (long at = 0; at < bytes;) {
			const struct dirent64 *entry = (const void *)(entries + at);
			const char *child = entry->d_name;
			at += entry->d_reclen;
			if (strcmp(child, ".") == 0 || strcmp(child, "..") == 0 ||
			    unlinkat(fd, child, 0) == 0 || depth == DEEPEST)
				continue;
			remove_below(fd, child, depth + 1);
			unlinkat(fd, child, AT_REMOVEDIR);
		}
	close(fd);
}

static void remove_all(const char *folder)
{
	remove_below(AT_FDCWD, folder, 0);
	rmdir(folder);
}

static void remove_and_die(int signal_number)
{
	remove_all(doomed);
	signal(signal_number, SIG_DFL);
	raise(signal_number);
}

/* What is ignored, as under nohup, stays so. */
static void watch_signals(const char *folder)
{
	struct sigaction die = {.sa_handler = remove_and_die};

	sigfillset(&die.sa_mask);
	snprintf(doomed, sizeof(doomed), "%s", folder);
	for (int number = 1; number < NSIG; number++) {
		if (!ends_process(number))
			continue;
		/* libc keeps two for itself: they stay as they are. */
		if (sigaction(number, &die, &before[number]) == 0 &&
		    before[number].sa_handler == SIG_IGN)
			sigaction(number, &before[number], NULL);
	}
}

int kept_files_place(struct kept_files *kept, struct settings_text *settings, struct error *error)
{
	const struct setting *output = settings_find("output");
	const char *temporary = getenv("TMPDIR");
	char pattern[PATH_MAX + 16];
	size_t length;

	kept->folder[0] = '\0';
	if (settings->values[output - settings_table])
		return 0;
	if (!temporary || *temporary != '/')
		temporary = "/tmp";
	/* A percent sign in the name of the folder would be read as one of the pattern. */
	if (strchr(temporary, '%'))
		return error_set(
			error, EINVAL,
			"TMPDIR: '%s' has a percent sign; give another one, or --keep=FILE",
			temporary);
	length = (size_t)snprintf(kept->folder, sizeof(kept->folder), "%s/seep-check-XXXXXX",
				  temporary);
	if (length >= sizeof(kept->folder) || !mkdtemp(kept->folder)) {
		int code = length >= sizeof(kept->folder) ? ENAMETOOLONG : errno;
		kept->folder[0] = '\0';
		return error_set(
			error, code,
			"cannot make a folder for snapshots in %s: %s; set TMPDIR, or give "
			"--keep=FILE",
			temporary, strerror(code));
	}
	watch_signals(kept->folder);
	snprintf(pattern, sizeof(pattern), "%s/%%e.%%p.seep", kept->folder);
	return settings_text_set(settings, output, pattern, error);
}

void kept_files_end(struct kept_files *kept)
{
	if (!*kept->folder)
		return;
	remove_all(kept->folder);
	for (int number = 1; number < NSIG; number++) {
		struct sigaction now;
		/* Others have come to ignore some since. */
		if (ends_process(number) && sigaction(number, NULL, &now) == 0 &&
		    now.sa_handler == remove_and_die)
			sigaction(number, &before[number], NULL);
	}
	kept->folder[0] = doomed[0] = '\0';
}
