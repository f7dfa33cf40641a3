/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fails_calls: runs a program, and makes single system calls of one library in it fail.
 *
 *     fails_calls LOG LIBRARY SECONDS NUMBER[-] ERRNO ONLY CLOCKS PROGRAM [ARG...]
 *
 * A seccomp filter sends each system call of the program, its children and whatever they clone to
 * us, with the address that it comes from; so the library is the very one that is shipped, and its
 * helper is met as well. Calls of others go on. Those of the library are counted, and number NUMBER
 * fails with ERRNO; with a dash all from that on. ONLY is the number of a system call when no other
 * counts, "@OFFSET" when only those from this place of the library do, or "-". What the kernel's
 * manual lets nobody fail (getpid, close, ...) does not count.
 *
 * CLOCKS is "-" or a list of CLOCK:AT_MS:BY_S, such as "0:300:-31536000,1:500:3600": from AT_MS after
 * the start on the library sees this clock (0 real time, 1 monotonic) moved by BY_S seconds.
 *
 * LOG gets one line when all processes are gone, or SECONDS are over: "CALLS PID STATUS HANG
 * WHO CALL OFFSET", STATUS as a shell shows it, WHO the name of the thread whose call failed. When NUMBER is 0,
 * a line "CALL OFFSET COUNT" follows for each place that system calls came from.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/futex.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#ifndef SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV
#define SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV (1UL << 5) /* Linux 5.19 */
#endif
#define CANNOT_BE_RUN 77

static struct {
	const char *library;
	long number, error, only_call, only_offset; /* only_...: -1 for all */
	bool goes_on;
} wanted;

static struct {
	long calls;
	char who[16];
	int call;
	uint64_t offset;
} seen;

#define PLACES_MAX 1024
static struct {
	int call;
	uint64_t offset;
	long count;
} places[PLACES_MAX];
static size_t place_count;

#define STEPS_MAX 8
static struct step {
	int clock;
	long at_ms, by_s;
} steps[STEPS_MAX];
static int step_count;

static const int unfailing[] = {
	SYS_getpid, SYS_gettid, SYS_getppid, SYS_geteuid,      SYS_clock_gettime,  SYS_sched_yield,
	SYS_close,  SYS_setsid, SYS_umask,   SYS_rt_sigaction, SYS_rt_sigprocmask,
};

static void die(const char *what)
{
	perror(what);
	exit(CANNOT_BE_RUN);
}

static long now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* ---- the program --------------------------------------------------------------------------- */

static void install(volatile int *listener)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_exit, 3, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_exit_group, 2, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_rt_sigreturn, 1, 0),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_USER_NOTIF),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = {.len = sizeof(code) / sizeof(code[0]), .filter = code};
	unsigned long flags =
		SECCOMP_FILTER_FLAG_NEW_LISTENER | SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV;
	long fd = syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &program);

	if (fd < 0 && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0)
		fd = syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &program);
	*listener = fd < 0 ? -errno : (int)fd; /* from here on each system call waits for us */
}

/* ---- whose call it is ---------------------------------------------------------------------- */

#define KNOWN_MAX 64
static struct {
	uint32_t tid;
	uint64_t start, end;
} known[KNOWN_MAX];
static unsigned known_count;

/* Where the library lies in this process; false where it does not, or not yet. */
static bool find_library(uint32_t tid, uint64_t *start, uint64_t *end)
{
	char path[64], line[4096 + 128];
	unsigned long low, high;
	FILE *maps;

	for (unsigned i = 0; i < known_count && i < KNOWN_MAX; i++)
		if (known[i].tid == tid) {
			*start = known[i].start;
			*end = known[i].end;
			return true;
		}
	snprintf(path, sizeof(path), "/proc/%u/maps", tid);
	maps = fopen(path, "re");
	*start = 0;
	while (maps != NULL && fgets(line, sizeof(line), maps) != NULL) {
		line[strcspn(line, "\n")] = 0;
		if (strchr(line, '/') == NULL || strcmp(strchr(line, '/'), wanted.library) != 0 ||
		    sscanf(line, "%lx-%lx", &low, &high) != 2)
			continue;
		*start = *start == 0 ? low : *start;
		*end = high;
	}
	if (maps != NULL)
		fclose(maps);
	if (*start == 0)
		return false;
	known[known_count % KNOWN_MAX].tid = tid;
	known[known_count % KNOWN_MAX].start = *start;
	known[known_count % KNOWN_MAX].end = *end;
	known_count++;
	return true;
}

static void note_place(int call, uint64_t offset)
{
	size_t i = 0;

	while (i < place_count && (places[i].offset != offset || places[i].call != call))
		i++;
	if (i == PLACES_MAX)
		return;
	places[i].call = call;
	places[i].offset = offset;
	places[i].count++;
	place_count += i == place_count;
}

static bool can_fail(const struct seccomp_data *call)
{
	for (size_t i = 0; i < sizeof(unfailing) / sizeof(unfailing[0]); i++)
		if (unfailing[i] == call->nr)
			return false;
	if (call->nr == SYS_prctl && (call->args[0] == PR_GET_NAME || call->args[0] == PR_SET_NAME))
		return false;
	/* Waking up is a look into a list. */
	if (call->nr == SYS_futex && (call->args[1] & FUTEX_CMD_MASK) == FUTEX_WAKE)
		return false;
	/* A child is somebody's, and a tracee that has stopped can be left. */
	if (call->nr == SYS_wait4)
		return wanted.error == EINTR;
	return call->nr != SYS_ptrace || call->args[0] != PTRACE_DETACH;
}

static void note_failure(const struct seccomp_notif *call, uint64_t start)
{
	char path[64];
	FILE *file;

	if (seen.call >= 0)
		return;
	seen.call = call->data.nr;
	seen.offset = call->data.instruction_pointer - start;
	snprintf(path, sizeof(path), "/proc/%u/comm", call->pid);
	file = fopen(path, "re");
	if (file != NULL) {
		if (fgets(seen.who, sizeof(seen.who), file) != NULL)
			seen.who[strcspn(seen.who, "\n ")] = 0;
		fclose(file);
	}
}

/* The time that the library is to see; false where nothing moves it. */
static bool moved_clock(const struct seccomp_notif *call, long started_ms)
{
	struct timespec time;
	struct iovec from = {&time, sizeof(time)}, to = {(void *)call->data.args[1], sizeof(time)};
	bool is_moved = false;

	clock_gettime((clockid_t)call->data.args[0], &time);
	for (int i = 0; i < step_count; i++)
		if (steps[i].clock == (int)call->data.args[0] &&
		    now_ms() - started_ms >= steps[i].at_ms) {
			time.tv_sec += steps[i].by_s;
			is_moved = true;
		}
	return is_moved &&
	       process_vm_writev((pid_t)call->pid, &from, 1, &to, 1, 0) == (ssize_t)sizeof(time);
}

static void answer(int listener, const struct seccomp_notif *call, long started_ms)
{
	struct seccomp_notif_resp result = {.id = call->id,
					    .flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE};
	uint64_t start = 0, end = 0;
	bool is_ours = find_library(call->pid, &start, &end) &&
		       call->data.instruction_pointer > start &&
		       call->data.instruction_pointer <= end;

	if (call->data.nr == SYS_execve || call->data.nr == SYS_execveat)
		known_count = 0;
	if (is_ours && call->data.nr == SYS_clock_gettime && moved_clock(call, started_ms))
		result.flags = 0;
	if (is_ours && can_fail(&call->data) &&
	    (wanted.only_call < 0 || wanted.only_call == call->data.nr) &&
	    (wanted.only_offset < 0 ||
	     (uint64_t)wanted.only_offset == call->data.instruction_pointer - start)) {
		seen.calls++;
		note_place(call->data.nr, call->data.instruction_pointer - start);
		if (seen.calls == wanted.number || (wanted.goes_on && seen.calls > wanted.number)) {
			note_failure(call, start);
			result.flags = 0;
			result.error = -(int)wanted.error;
		}
	}
	ioctl(listener, SECCOMP_IOCTL_NOTIF_SEND, &result);
}

/* ---- all of them --------------------------------------------------------------------------- */

/* Ours is who lost a parent, and so each of them is in the end. */
static void end_all(void)
{
	char path[64], text[4096];
	FILE *file;

	snprintf(path, sizeof(path), "/proc/self/task/%d/children", getpid());
	for (int round = 0; round < 50; round++) {
		file = fopen(path, "re");
		if (file == NULL || fgets(text, sizeof(text), file) == NULL)
			text[0] = 0;
		if (file != NULL)
			fclose(file);
		for (char *word = strtok(text, " "); word != NULL; word = strtok(NULL, " "))
			kill((pid_t)atoi(word), SIGKILL);
		usleep(10000);
		while (waitpid(-1, NULL, WNOHANG | __WALL) > 0)
			;
	}
}

static void reap(pid_t program, int *status)
{
	int its;
	pid_t pid;

	while ((pid = waitpid(-1, &its, WNOHANG | __WALL)) > 0)
		if (pid == program)
			*status = WIFEXITED(its) ? WEXITSTATUS(its) : 128 + WTERMSIG(its);
}

/* True when all are gone in time. */
static bool supervise(int listener, pid_t program, long seconds, int *status)
{
	struct seccomp_notif_sizes sizes;
	struct seccomp_notif *call;
	struct pollfd watched = {.fd = listener, .events = POLLIN};
	long started_ms = now_ms();

	if (syscall(SYS_seccomp, SECCOMP_GET_NOTIF_SIZES, 0, &sizes) != 0)
		die("seccomp");
	call = calloc(1, sizes.seccomp_notif);
	while (now_ms() - started_ms < seconds * 1000) {
		int ready = poll(&watched, 1, 50);

		if (ready == 1 && (watched.revents & POLLIN)) {
			memset(call, 0, sizes.seccomp_notif);
			if (ioctl(listener, SECCOMP_IOCTL_NOTIF_RECV, call) == 0)
				answer(listener, call, started_ms);
			continue;
		}
		reap(program, status);
		if (ready == 1 && (watched.revents & (POLLHUP | POLLERR)) && *status >= 0) {
			free(call);
			return true;
		}
	}
	free(call);
	return false;
}

static void read_clocks(char *text)
{
	if (strcmp(text, "-") == 0)
		return;
	for (char *word = strtok(text, ","); word != NULL && step_count < STEPS_MAX;
	     word = strtok(NULL, ",")) {
		struct step *step = &steps[step_count++];

		if (sscanf(word, "%d:%ld:%ld", &step->clock, &step->at_ms, &step->by_s) != 3)
			die("CLOCKS");
	}
}

int main(int argc, char **argv)
{
	volatile int *listener =
		mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	int status = -1, fd;
	bool is_done;
	pid_t program;
	FILE *log;

	if (argc < 9 || listener == MAP_FAILED)
		die("fails_calls: arguments");
	wanted.library = argv[2];
	wanted.number = atol(argv[4]);
	wanted.goes_on = strchr(argv[4], '-') != NULL;
	wanted.error = atol(argv[5]);
	wanted.only_call = argv[6][0] == '-' || argv[6][0] == '@' ? -1 : atol(argv[6]);
	wanted.only_offset = argv[6][0] == '@' ? strtol(argv[6] + 1, NULL, 16) : -1;
	read_clocks(argv[7]);
	seen.call = -1;
	prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
	program = fork();
	if (program == 0) {
		setenv("LD_PRELOAD", wanted.library, 1);
		install(listener);
		if (*listener > 0)
			execvp(argv[8], argv + 8);
		_exit(CANNOT_BE_RUN);
	}
	for (int waited = 0; *listener == 0 && waited < 5000; waited++)
		usleep(1000);
	if (*listener <= 0) {
		errno = -*listener;
		die("seccomp with a listener");
	}
	fd = (int)syscall(SYS_pidfd_getfd, syscall(SYS_pidfd_open, program, 0), *listener, 0);
	if (fd < 0)
		die("pidfd_getfd");
	is_done = supervise(fd, program, atol(argv[3]), &status);
	if (!is_done)
		end_all();
	log = fopen(argv[1], "we");
	if (log == NULL)
		die(argv[1]);
	fprintf(log, "%ld %d %d %d %s %d %#lx\n", seen.calls, program, status, !is_done,
		seen.who[0] != 0 ? seen.who : "-", seen.call, (unsigned long)seen.offset);
	for (size_t i = 0; wanted.number == 0 && i < place_count; i++)
		fprintf(log, "%d %#lx %ld\n", places[i].call, (unsigned long)places[i].offset,
			places[i].count);
	return fclose(log) == 0 ? 0 : CANNOT_BE_RUN;
}
