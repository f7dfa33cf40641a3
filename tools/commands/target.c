/* SPDX-License-Identifier: Apache-2.0 */
/*
 * target: a running process under seep, asked through its control socket.
 *
 * Abstract socket names are first come, first served, and every user of the machine may take one.
 * So before the target's answer is believed the other end must be the target's user (or root, or
 * we ourselves): else somebody could wait under the name of a process that is about to start and
 * hand a file of his choice to whoever asks.
 */
#include "tools/commands/target.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <pwd.h>
#include <sched.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "tools/commands/command.h"
#include "tools/model/error.h"
#include "tools/model/process_stat.h"

#define STATUS_TIMEOUT_MS 10000
/* The heap of a large process takes seconds to sum up and to write. */
#define SNAPSHOT_TIMEOUT_MS 60000
/* A scan reads all memory of the process, and perhaps from swap. */
#define SCAN_TIMEOUT_MS 600000

/* What /proc says about a process. */
struct process_facts {
	pid_t pid;
	char name[64];
	pid_t process; /* differs from pid where pid is a thread's */
	unsigned own_pid; /* in its own PID namespace */
	uid_t uids[3];	  /* real, effective, saved */
	struct process_stat stat;
};

bool target_is_pid(const char *text)
{
	return *text && strspn(text, "0123456789") == strlen(text) && access(text, F_OK) != 0;
}

int target_parse_pid(const char *text, pid_t *pid, struct error *error)
{
	if (!*text || strspn(text, "0123456789") != strlen(text) || strlen(text) > 10 ||
	    atoll(text) < 1 || atoll(text) > INT_MAX)
		return access(text, F_OK) == 0
			       ? error_set(
					 error, EINVAL,
					 "%s is a file, and only a process that runs can be asked: "
					 "give its PID",
					 text)
			       : error_set(error, EINVAL, "'%s' is not the number of a process",
					   text);
	*pid = (pid_t)atoll(text);
	return 0;
}

FILE *target_open_proc(pid_t pid, const char *file)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, file);
	return fopen(path, "re");
}

const char *target_name(pid_t pid, char *name, size_t name_bytes)
{
	FILE *file = target_open_proc(pid, "comm");

	if (!file || !fgets(name, (int)name_bytes, file))
		snprintf(name, name_bytes, "?");
	name[strcspn(name, "\n")] = '\0';
	if (file)
		fclose(file);
	return name;
}

static bool read_status(struct process_facts *facts)
{
	FILE *file = target_open_proc(facts->pid, "status");
	char line[512];

	if (!file)
		return false;
	facts->own_pid = (unsigned)facts->pid;
	while (fgets(line, sizeof(line), file)) {
		const char *last = strrchr(line, '\t');
		sscanf(line, "Tgid: %d", &facts->process);
		sscanf(line, "Uid: %u %u %u", &facts->uids[0], &facts->uids[1], &facts->uids[2]);
		/* One number for each PID namespace, the innermost last. */
		if (strncmp(line, "NSpid:", 6) == 0 && last)
			facts->own_pid = (unsigned)strtoul(last, NULL, 10);
	}
	fclose(file);
	return true;
}

static int read_facts(pid_t pid, struct process_facts *facts, struct error *error)
{
	*facts = (struct process_facts){.pid = pid, .process = pid};
	if (!read_status(facts) || !process_stat_read(pid, &facts->stat))
		return error_set(error, ESRCH, "there is no process %d", (int)pid);
	target_name(pid, facts->name, sizeof(facts->name));
	if (facts->process != pid)
		return error_set(error, ESRCH,
				 "%d is a thread of process %d (%s); give that number", (int)pid,
				 (int)facts->process, facts->name);
	if (process_stat_has_ended(&facts->stat))
		return error_set(
			error, ESRCH,
			"process %d (%s) has ended already; read its file: seep report FILE",
			(int)pid, facts->name);
	return 0;
}

/* Is the target in another namespace than we are? Not when we may not know. */
static bool is_elsewhere(pid_t pid, const char *ns)
{
	char path[64];
	struct stat here, there;

	snprintf(path, sizeof(path), "/proc/self/ns/%s", ns);
	if (stat(path, &here) != 0)
		return false;
	snprintf(path, sizeof(path), "/proc/%d/ns/%s", (int)pid, ns);
	return stat(path, &there) == 0 &&
	       (there.st_ino != here.st_ino || there.st_dev != here.st_dev);
}

static int open_socket(void)
{
	return socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
}

/* A socket stays in the network namespace that it was made in, so a short visit is enough. */
static int open_socket_near(const struct process_facts *facts, struct error *error)
{
	char path[64];
	int home = -1, there = -1, fd = -1;

	if (is_elsewhere(facts->pid, "net")) {
		snprintf(path, sizeof(path), "/proc/%d/ns/net", (int)facts->pid);
		home = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
		there = open(path, O_RDONLY | O_CLOEXEC);
		if (home >= 0 && there >= 0 && setns(there, CLONE_NEWNET) == 0) {
			fd = open_socket();
			if (setns(home, CLONE_NEWNET) != 0 && fd >= 0) {
				close(fd);
				fd = -1;
			}
		}
		if (fd < 0)
			error_set(error, EPERM,
				  "process %d (%s) is in another network namespace (a container?); "
				  "ask from inside it, or as root",
				  (int)facts->pid, facts->name);
	} else {
		fd = open_socket();
		if (fd < 0)
			error_set(error, errno, "cannot open a socket: %s", strerror(errno));
	}
	if (home >= 0)
		close(home);
	if (there >= 0)
		close(there);
	return fd;
}

static bool has_library(pid_t pid)
{
	FILE *maps = target_open_proc(pid, "maps");
	char line[PATH_MAX + 128];
	bool is_found = false;

	while (maps && !is_found && fgets(line, sizeof(line), maps))
		is_found = strstr(line, "/libseep.so") != NULL;
	if (maps)
		fclose(maps);
	return is_found;
}

static bool is_ours(const struct process_facts *facts)
{
	return geteuid() == 0 || geteuid() == facts->uids[1];
}

static int say_not_ours(const struct process_facts *facts, struct error *error)
{
	const struct passwd *user = getpwuid(facts->uids[1]);
	char number[16];

	snprintf(number, sizeof(number), "%u", facts->uids[1]);
	return error_set(error, EPERM,
			 "process %d (%s) belongs to user %s; ask as that user or as root",
			 (int)facts->pid, facts->name, user ? user->pw_name : number);
}

static int say_silent(const struct process_facts *facts, const char *why, struct error *error)
{
	if (facts->stat.state == 'T' || facts->stat.state == 't')
		why = "it is stopped; continue it with kill -CONT";
	return error_set(error, ETIMEDOUT,
			 "process %d (%s) runs under seep but does not answer: %s", (int)facts->pid,
			 facts->name, why);
}

#define HELPER_NAME "seep:"

/* Nobody listens under the target's name: why? */
static int say_unreached(const struct process_facts *facts, struct error *error)
{
	if (!is_ours(facts))
		return say_not_ours(facts, error);
	if (has_library(facts->pid)) {
		/* pidof shows two processes where the library has a helper. It is nobody's child, but
		 * its name tells (see lib/control/helper.c). */
		const char *why = "its helper is gone or not yet there, or snapshots_by=inline "
				  "left it out";
		if (strncmp(facts->name, HELPER_NAME, strlen(HELPER_NAME)) == 0)
			why = "it is the helper of a process with the same arguments; ask that one";
		return say_silent(facts, why, error);
	}
	return error_set(error, ENOENT,
			 "process %d (%s) is not under seep; start it with: seep run -- %s ...",
			 (int)facts->pid, facts->name, facts->name);
}

#define START_PAUSES 50
#define START_PAUSE_NS 20000000

static int connect_target(const struct process_facts *facts, int fd, struct error *error)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	struct ucred peer;
	socklen_t peer_bytes = sizeof(peer);
	int length = snprintf(address.sun_path + 1, sizeof(address.sun_path) - 1,
			      SEEP_CONTROL_NAME_FORMAT, facts->own_pid,
			      (unsigned long long)facts->stat.start_ticks);

	socklen_t bytes = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + (size_t)length);
	int result = connect(fd, (struct sockaddr *)&address, bytes);
	/* A program that has just started: its helper is on its way. */
	for (int i = 0; i < START_PAUSES && result != 0 && errno == ECONNREFUSED &&
			is_ours(facts) && has_library(facts->pid);
	     i++) {
		nanosleep(&(struct timespec){.tv_nsec = START_PAUSE_NS}, NULL);
		result = connect(fd, (struct sockaddr *)&address, bytes);
	}
	if (result != 0)
		return errno == EAGAIN ? say_silent(facts, "too many are asking", error)
				       : say_unreached(facts, error);
	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &peer_bytes) != 0)
		return error_set(error, errno, "cannot tell who answers for process %d: %s",
				 (int)facts->pid, strerror(errno));
	if (peer.uid != 0 && peer.uid != geteuid() && peer.uid != facts->uids[0] &&
	    peer.uid != facts->uids[1] && peer.uid != facts->uids[2])
		return error_set(error, EPERM,
				 "user %u answers in the place of process %d (%s); not believed",
				 peer.uid, (int)facts->pid, facts->name);
	return 0;
}

static int judge_answer(const struct process_facts *facts, ssize_t bytes,
			struct seep_control_answer *answer, struct error *error)
{
	if (bytes <= 0)
		return is_ours(facts) ? say_silent(facts, "it hung up", error)
				      : say_not_ours(facts, error);
	if ((size_t)bytes >= offsetof(struct seep_control_answer, path) &&
	    (answer->version != SEEP_CONTROL_VERSION || answer->result == SEEP_CONTROL_BAD_VERSION))
		return error_set(
			error, EPROTO,
			"process %d (%s) runs under another version of libseep.so; use the "
			"seep that belongs to it",
			(int)facts->pid, facts->name);
	if ((size_t)bytes <= offsetof(struct seep_control_answer, path) ||
	    !memchr(answer->path, 0, sizeof(answer->path)))
		return error_set(error, EPROTO,
				 "process %d (%s) gave an answer that makes no sense",
				 (int)facts->pid, facts->name);
	switch ((enum seep_control_result)answer->result) {
	case SEEP_CONTROL_OK:
		return 0;
	case SEEP_CONTROL_REFUSED:
		return say_not_ours(facts, error);
	case SEEP_CONTROL_WRITE_FAILED:
		return error_set(error, answer->error > 0 ? answer->error : EIO,
				 "process %d (%s) could not write its snapshot to %s: %s",
				 (int)facts->pid, facts->name,
				 *answer->path ? answer->path : "its file",
				 strerror(answer->error));
	case SEEP_CONTROL_BAD_VERSION:
	case SEEP_CONTROL_BAD_REQUEST:
		break;
	}
	return error_set(error, EPROTO, "process %d (%s) did not understand the request",
			 (int)facts->pid, facts->name);
}

int target_ask(pid_t pid, const struct seep_control_request *request, int timeout_ms,
	       struct seep_control_answer *answer, struct error *error)
{
	const struct timeval timeout = {timeout_ms / 1000, timeout_ms % 1000 * 1000};
	struct process_facts facts;
	int result = read_facts(pid, &facts, error);

	if (result < 0)
		return result;
	int fd = open_socket_near(&facts, error);
	if (fd < 0)
		return -EPERM;
	memset(answer, 0, sizeof(*answer));
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof(timeout));
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout));
	result = connect_target(&facts, fd, error);
	if (result < 0)
		goto out;

	ssize_t bytes = send(fd, request, sizeof(*request), MSG_NOSIGNAL);
	if (bytes == (ssize_t)sizeof(*request))
		do
			bytes = recv(fd, answer, sizeof(*answer), 0);
		while (bytes < 0 && errno == EINTR);
	if (bytes < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
		char why[64];
		snprintf(why, sizeof(why), "nothing came for %d s", (timeout_ms + 999) / 1000);
		result = say_silent(&facts, why, error);
		goto out;
	}
	result = judge_answer(&facts, bytes, answer, error);
out:
	close(fd);
	return result;
}

int target_status(pid_t pid, struct seep_control_answer *answer, struct error *error)
{
	const struct seep_control_request request = {
		.version = SEEP_CONTROL_VERSION,
		.verb = SEEP_CONTROL_STATUS,
	};

	return target_ask(pid, &request, STATUS_TIMEOUT_MS, answer, error);
}

static int take_snapshot(pid_t pid, enum seep_control_verb verb, const char *label, int timeout_ms,
			 struct seep_control_answer *answer, struct error *error)
{
	struct seep_control_request request = {
		.version = SEEP_CONTROL_VERSION,
		.verb = verb,
	};

	if (label && strlen(label) >= sizeof(request.label))
		return error_set(error, E2BIG, "the label is longer than %zu bytes",
				 sizeof(request.label) - 1);
	if (label)
		strcpy(request.label, label);
	return target_ask(pid, &request, timeout_ms, answer, error);
}

int target_snapshot(pid_t pid, const char *label, struct seep_control_answer *answer,
		    struct error *error)
{
	return take_snapshot(pid, SEEP_CONTROL_SNAPSHOT, label, SNAPSHOT_TIMEOUT_MS, answer, error);
}

int target_mark(pid_t pid, const char *label, struct seep_control_answer *answer,
		struct error *error)
{
	return take_snapshot(pid, SEEP_CONTROL_MARK, label, SNAPSHOT_TIMEOUT_MS, answer, error);
}

int target_scan(pid_t pid, const char *label, struct seep_control_answer *answer,
		struct error *error)
{
	answer->version = 0; /* nobody has answered yet */
	int result = take_snapshot(pid, SEEP_CONTROL_SCAN, label, SCAN_TIMEOUT_MS, answer, error);

	if (result < 0 && answer->version == SEEP_CONTROL_VERSION &&
	    answer->result == SEEP_CONTROL_BAD_REQUEST)
		return error_set(error, EPROTO,
				 "process %d runs under a libseep.so that cannot scan; start it "
				 "again under the one of this seep",
				 (int)pid);
	return result;
}

int target_check_label(const char *label, struct error *error)
{
	const char *digits = label + (*label == '-');
	bool is_number = *digits && digits[strspn(digits, "0123456789")] == 0;

	if (!is_number && strcmp(label, "first") != 0 && strcmp(label, "last") != 0)
		return 0;
	return error_set(error, EINVAL,
			 "'%s' would be unreachable, as FILE@%s names another snapshot; add a "
			 "letter to a number, and take another word than first and last",
			 label, label);
}

int target_answer_path(pid_t pid, const struct seep_control_answer *answer, char *path,
		       struct error *error)
{
	char link[64], root[PATH_MAX];

	snprintf(link, sizeof(link), "/proc/%d/root", (int)pid);
	ssize_t bytes = readlink(link, root, sizeof(root));
	/* Seen from a container or a chroot the file has another name. Where we may not look, the
	 * name as it is remains the best guess. */
	bool is_same = bytes < 0 || (bytes == 1 && !is_elsewhere(pid, "mnt"));
	snprintf(path, TARGET_PATH_BYTES, "%s%s", is_same ? "" : link, answer->path);
	if (access(path, R_OK) != 0)
		return error_set(error, errno, "cannot read %s, the file of process %d: %s", path,
				 (int)pid, strerror(errno));
	return 0;
}

int target_find_file(pid_t pid, char *path, struct error *error)
{
	struct seep_control_answer answer;
	int result = target_snapshot(pid, NULL, &answer, error);

	return result < 0 ? result : target_answer_path(pid, &answer, path, error);
}
