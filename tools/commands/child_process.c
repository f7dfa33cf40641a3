/* SPDX-License-Identifier: Apache-2.0 */
/*
 * child_process: a program started as if the shell had started it.
 *
 * Signals. What the terminal sends (Ctrl-C, Ctrl-\, a hangup) goes to the whole process group, so
 * the program has it already and seep must only survive it. What somebody sends with kill reached
 * seep alone, so it is passed on. The kernel says which it was: si_code is positive for its own.
 */
#include "tools/commands/child_process.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "seep/settings.h"
#include "tools/commands/file_lender.h"
#include "tools/commands/orphans.h"
#include "tools/commands/run_output.h"
#include "tools/commands/settings_text.h"
#include "tools/model/error.h"
#include "tools/model/process_stat.h"

static const int forwarded[] = {SIGINT,	 SIGQUIT, SIGTERM, SIGHUP,
				SIGUSR1, SIGUSR2, SIGALRM, SIGCONT};
#define FORWARDED_COUNT (sizeof(forwarded) / sizeof(forwarded[0]))

/* Read by the handler. 0 while there is nobody to pass a signal to. */
static volatile sig_atomic_t running_pid;

static void pass_on(int signal, siginfo_t *info, void *context)
{
	int saved_errno = errno;

	(void)context;
	if (info->si_code <= 0 && running_pid > 0)
		kill((pid_t)running_pid, signal);
	errno = saved_errno;
}

static double now_s(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* The library must know which process is the first, where all others write, who begins files for those that
 * cannot, and who knows the names of functions: the first two are only known when there is a pid. Null:
 * no memory. */
static char *options_of_process(const struct child_settings *settings, const char *path)
{
	char children[PATH_MAX], tool[PATH_MAX], *text = NULL;
	size_t bytes;
	FILE *out = open_memstream(&text, &bytes);

	if (!out)
		return NULL;
	fprintf(out, "%s%sroot_pid=%d", settings->options, *settings->options ? ":" : "",
		(int)getpid());
	if (run_output_children(settings->output, path, getpid(), children)) {
		fputs(":children_output=", out);
		settings_text_put_value(out, children);
		if (settings->lender)
			file_lender_write_setting(settings->lender, out);
	}
	ssize_t tool_bytes = readlink("/proc/self/exe", tool, sizeof(tool) - 1);
	if (tool_bytes > 0) {
		tool[tool_bytes] = 0;
		fputs(":tool=", out);
		settings_text_put_value(out, tool);
	}
	return fclose(out) == 0 ? text : NULL;
}

/* In the child; says through the pipe why it could not become the program. */
static _Noreturn void become(const char *path, char **argv, const struct child_settings *settings,
			     const sigset_t *mask, const struct sigaction *child_signal,
			     int pipe_fd)
{
	char *options = options_of_process(settings, path);

	if (options && setenv(SEEP_OPTIONS_VARIABLE, options, 1) == 0 &&
	    setenv("LD_PRELOAD", settings->preload, 1) == 0) {
		sigaction(SIGCHLD, child_signal, NULL);
		sigprocmask(SIG_SETMASK, mask, NULL);
		/* execvp, for text files without #!; `path` holds a slash, so nothing is searched.
		 */
		execvp(path, argv);
	}
	int code = errno;
	ssize_t written = write(pipe_fd, &code, sizeof(code));
	(void)written;
	_exit(127);
}

/* Returns 0 or the errno of the exec that failed. */
static int read_exec_error(int pipe_fd)
{
	int code = 0;
	ssize_t bytes;

	do
		bytes = read(pipe_fd, &code, sizeof(code));
	while (bytes < 0 && errno == EINTR);
	return bytes == (ssize_t)sizeof(code) ? code : 0;
}

/* Returns when the program has ended. `child_events` tells of any child that has, where it is a
 * signalfd: then others can be served meanwhile. */
static void wait_beside(pid_t pid, int child_events, const char *path,
			const struct child_settings *settings)
{
	struct file_lender *lender = settings->lender;
	char folder[PATH_MAX];
	struct pollfd watched[] = {
		{.fd = child_events, .events = POLLIN},
		{.fd = lender ? lender->fd : -1, .events = POLLIN},
	};

	if (!lender || child_events < 0 ||
	    !run_output_children_folder(settings->output, path, pid, folder)) {
		orphans_look_beside(pid, true);
		return;
	}
	while (!orphans_look_beside(pid, false)) {
		struct signalfd_siginfo signals[8];
		if (poll(watched, 2, -1) < 0)
			continue;
		if (watched[0].revents && read(child_events, signals, sizeof(signals)) < 0)
			continue;
		if (watched[1].revents)
			file_lender_serve(lender, folder);
	}
	/* Who has asked is still there, perhaps: a child that goes on. */
	file_lender_serve(lender, folder);
}

static void wait_for(struct child_process *child, int child_events, const char *path,
		     const struct child_settings *settings)
{
	/* First without reaping: until then the pid is the program's and may be signalled. */
	wait_beside(child->pid, child_events, path, settings);
	running_pid = 0;
	while (waitpid(child->pid, &child->wait_status, 0) < 0 && errno == EINTR)
		;
}

int child_process_run(struct child_process *child, const char *path, char **argv,
		      const struct child_settings *settings, struct error *error)
{
	struct sigaction pass = {.sa_sigaction = pass_on, .sa_flags = SA_SIGINFO};
	struct sigaction before[FORWARDED_COUNT], child_signal;
	struct process_stat stat;
	sigset_t blocked, mask, waiting, child_ended;
	int pipe_fds[2];

	*child = (struct child_process){0};
	if (pipe2(pipe_fds, O_CLOEXEC) != 0)
		return error_set(error, errno, "cannot make a pipe: %s", strerror(errno));
	fflush(NULL);
	/* Nothing may arrive between the fork and the handlers: it would end seep and leave the
	 * program alone. */
	sigemptyset(&child_ended);
	sigaddset(&child_ended, SIGCHLD);
	sigfillset(&blocked);
	sigprocmask(SIG_BLOCK, &blocked, &mask);
	/* A parent may have left SIGCHLD ignored; then there would be no status to wait for. */
	sigaction(SIGCHLD, &(struct sigaction){.sa_handler = SIG_DFL}, &child_signal);

	double started_s = now_s();
	child->pid = fork();
	if (child->pid == 0)
		become(path, argv, settings, &mask, &child_signal, pipe_fds[1]);
	int fork_errno = errno;
	close(pipe_fds[1]);
	if (child->pid < 0) {
		sigaction(SIGCHLD, &child_signal, NULL);
		sigprocmask(SIG_SETMASK, &mask, NULL);
		close(pipe_fds[0]);
		return error_set(error, fork_errno, "cannot start a process: %s",
				 strerror(fork_errno));
	}

	running_pid = child->pid;
	if (process_stat_read(child->pid, &stat))
		child->start_ticks = stat.start_ticks;
	for (size_t i = 0; i < FORWARDED_COUNT; i++)
		sigaction(forwarded[i], &pass, &before[i]);
	waiting = mask;
	sigaddset(&waiting, SIGCHLD);
	sigprocmask(SIG_SETMASK, &waiting, NULL);
	int child_events = signalfd(-1, &child_ended, SFD_CLOEXEC | SFD_NONBLOCK);

	int exec_error = read_exec_error(pipe_fds[0]);
	close(pipe_fds[0]);
	wait_for(child, child_events, path, settings);
	if (child_events >= 0)
		close(child_events);
	struct timespec ended;
	clock_gettime(CLOCK_REALTIME, &ended);
	child->ended_unix_ns = (uint64_t)ended.tv_sec * 1000000000u + (uint64_t)ended.tv_nsec;
	child->seconds = now_s() - started_s;

	for (size_t i = 0; i < FORWARDED_COUNT; i++)
		sigaction(forwarded[i], &before[i], NULL);
	sigprocmask(SIG_SETMASK, &mask, NULL);
	sigaction(SIGCHLD, &child_signal, NULL);
	if (exec_error)
		return error_set(error, exec_error, "cannot start %s: %s", path,
				 strerror(exec_error));
	return 0;
}

int child_process_status(const struct child_process *child)
{
	return WIFSIGNALED(child->wait_status) ? 128 + WTERMSIG(child->wait_status)
					       : WEXITSTATUS(child->wait_status);
}
