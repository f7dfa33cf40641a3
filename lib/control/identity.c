/* SPDX-License-Identifier: Apache-2.0 */
/*
 * identity: the user and the groups that the program runs as, which its helper takes on.
 *
 * The kernel keeps them for each task, and libc changes those of the threads that it knows of; so the
 * helper, be it a process or a thread, changes its own. What it has from the start is the program's, and
 * what is asked of the kernel here gives nothing that it did not have. A program that changes its user
 * for a moment keeps the right to change back, and so does the helper.
 *
 *   Runs in   the helper
 *   Locks     none
 *   Memory    static
 *   Calls     reads of /proc; setresuid, setresgid, setgroups, capset, prctl
 *   Failure   false: the helper stays what it is, and nothing is started by it
 */
#include "lib/control/identity.h"

#include <linux/capability.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/prctl.h>

#include "lib/base/syscalls.h"
#include "lib/base/text.h"
#include "lib/snapshot/process_facts.h"

#include "lib/base/poison.h"

#define GROUPS_MOST 1024u
#define CHANGE_PATIENCE_NS 20000000u
#define CHANGE_PAUSE_NS 200000u

enum { ID_REAL, ID_EFFECTIVE, ID_SAVED, ID_COUNT };

struct identity {
	uint32_t user[ID_COUNT], group[ID_COUNT];
	uint32_t group_count;
	uint32_t groups[GROUPS_MOST];  /* of more of them the first ones */
	uint64_t permitted, effective; /* capabilities */
	uint64_t no_new_privileges;    /* 1: no program that it starts has more */
};

static struct identity theirs, taken; /* now, and when it was last taken on */
static bool has_taken;		      /* all of it */

static bool read_numbers(const char *line, uint32_t *numbers, uint32_t count)
{
	uint64_t number;

	for (uint32_t i = 0; line != NULL && i < count; i++) {
		while (*line == ' ' || *line == '\t')
			line++;
		if (!text_read_number(&line, &number))
			return false;
		numbers[i] = (uint32_t)number;
	}
	return line != NULL;
}

static uint32_t count_numbers(const char *line)
{
	uint32_t count = 0;

	for (; line != NULL && *line != 0 && *line != '\n'; line++)
		count += *line >= '0' && *line <= '9' && (line[1] < '0' || line[1] > '9');
	return count < GROUPS_MOST ? count : GROUPS_MOST;
}

/* 0 where it is not said: no more than that is left then. */
static uint64_t read_hexadecimal(const char *line)
{
	uint64_t set = 0;

	for (; line != NULL && *line != 0 && *line != '\n'; line++)
		if (*line >= '0' && *line <= '9')
			set = set << 4 | (uint64_t)(*line - '0');
		else if (*line >= 'a' && *line <= 'f')
			set = set << 4 | (uint64_t)(*line - 'a' + 10);
	return set;
}

/* What it has in a user namespace of its own means nothing here. */
static bool is_elsewhere(void)
{
	char path[40], own[64] = "", its[64] = "";
	struct text name = TEXT_IN(path);

	text_add(&name, "/proc/");
	text_add_number(&name, process_facts.pid);
	text_add(&name, "/ns/user");
	sys_call(SYS_readlinkat, AT_FDCWD, "/proc/self/ns/user", own, sizeof(own) - 1);
	sys_call(SYS_readlinkat, AT_FDCWD, path, its, sizeof(its) - 1);
	return !text_equal(own, its);
}

static bool read_theirs(void)
{
	static char status[16384]; /* with 1,000 groups */
	char path[32];
	struct text name = TEXT_IN(path);
	const char *groups;
	long bytes;

	text_add(&name, "/proc/");
	text_add_number(&name, process_facts.pid);
	text_add(&name, "/status");
	bytes = sys_read_file(path, status, sizeof(status) - 1);
	if (bytes <= 0)
		return false;
	status[bytes] = 0;
	memset(&theirs, 0, sizeof(theirs));
	groups = text_find_line(status, "Groups:");
	theirs.no_new_privileges = read_hexadecimal(text_find_line(status, "NoNewPrivs:"));
	theirs.group_count = count_numbers(groups);
	theirs.permitted = read_hexadecimal(text_find_line(status, "CapPrm:"));
	theirs.effective = read_hexadecimal(text_find_line(status, "CapEff:"));
	if (theirs.permitted != 0 && is_elsewhere())
		theirs.permitted = theirs.effective = 0;
	return read_numbers(text_find_line(status, "Uid:"), theirs.user, ID_COUNT) &&
	       read_numbers(text_find_line(status, "Gid:"), theirs.group, ID_COUNT) &&
	       read_numbers(groups, theirs.groups, theirs.group_count);
}

/* Never more than we have. */
static void limit_capabilities(void)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct sets[_LINUX_CAPABILITY_U32S_3] = {{0}};

	if (sys_call(SYS_capget, &header, sets) != 0)
		return;
	for (uint32_t i = 0; i < _LINUX_CAPABILITY_U32S_3; i++) {
		sets[i].permitted &= (uint32_t)(theirs.permitted >> 32 * i);
		sets[i].effective &= (uint32_t)(theirs.effective >> 32 * i);
		sets[i].effective &= sets[i].permitted;
		sets[i].inheritable = 0;
	}
	sys_call(SYS_capset, &header, sets);
}

/* Whether this task is the same user, in the same groups. */
static bool is_taken(void)
{
	static uint32_t groups[GROUPS_MOST];
	uint32_t user[ID_COUNT] = {0}, group[ID_COUNT] = {0};
	long count = sys_call(SYS_getgroups, GROUPS_MOST, groups);

	sys_call(SYS_getresuid, &user[ID_REAL], &user[ID_EFFECTIVE], &user[ID_SAVED]);
	sys_call(SYS_getresgid, &group[ID_REAL], &group[ID_EFFECTIVE], &group[ID_SAVED]);
	return count == (long)theirs.group_count &&
	       memcmp(groups, theirs.groups, theirs.group_count * sizeof(groups[0])) == 0 &&
	       memcmp(user, theirs.user, sizeof(user)) == 0 &&
	       memcmp(group, theirs.group, sizeof(group)) == 0;
}

static void take_on(void)
{
	long is_dumpable = sys_call(SYS_prctl, PR_GET_DUMPABLE, 0, 0, 0, 0);

	/* Where it may change back, so may we; groups are for root to change. */
	sys_call(SYS_setresuid, -1, 0, -1);
	sys_call(SYS_setgroups, theirs.group_count, theirs.groups);
	sys_call(SYS_setresgid, theirs.group[ID_REAL], theirs.group[ID_EFFECTIVE],
		 theirs.group[ID_SAVED]);
	sys_call(SYS_setresuid, theirs.user[ID_REAL], theirs.user[ID_EFFECTIVE],
		 theirs.user[ID_SAVED]);
	/* It belongs to the memory, which is the program's: who wants core dumps has said so since. */
	if (is_dumpable == 1 && sys_call(SYS_prctl, PR_GET_DUMPABLE, 0, 0, 0, 0) != 1)
		sys_call(SYS_prctl, PR_SET_DUMPABLE, 1, 0, 0, 0);
}

bool identity_follow(void)
{
	if (!read_theirs())
		return false;
	if (has_taken && memcmp(&theirs, &taken, sizeof(taken)) == 0)
		return true;
	if (!is_taken())
		take_on();
	limit_capabilities();
	if (theirs.no_new_privileges != 0)
		sys_call(SYS_prctl, PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	taken = theirs;
	has_taken = is_taken();
	return has_taken;
}

void identity_follow_change(void)
{
	struct identity before;

	identity_follow();
	before = taken;
	for (uint32_t waited = 0;
	     waited < CHANGE_PATIENCE_NS && memcmp(&before, &taken, sizeof(taken)) == 0;
	     waited += CHANGE_PAUSE_NS) {
		sys_sleep_ns(CHANGE_PAUSE_NS);
		identity_follow();
	}
}

void identity_postfork_child(void)
{
	has_taken = false;
}
