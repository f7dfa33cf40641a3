/* SPDX-License-Identifier: Apache-2.0 */
/*
 * uses_up_descriptors: a program that leaves no descriptor to anybody, in one of four ways:
 *
 *   opens     opens /dev/null until the kernel refuses
 *   limits    sets RLIMIT_NOFILE to 0
 *   closes    closes whatever is open, its own or not
 *   replaces  puts its data file in place of every descriptor there can be
 *
 * Meanwhile it keeps 100 blocks and asks for a snapshot "meanwhile"; afterwards, as far as that can be
 * undone, for another one "after". It ends with 3, or with 4 where its own files are not as they
 * should be.
 */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "seep.h"

#define MOST 1024

static void *volatile kept[100];

static __attribute__((noinline)) void keep(void)
{
	for (int i = 0; i < 100; i++)
		kept[i] = malloc(100);
}

/* Nobody has written to it, and what we write is there. */
static int is_ours(int fd)
{
	char text[16] = "";

	return write(fd, "written\n", 8) == 8 && pread(fd, text, sizeof(text), 0) == 8 &&
	       memcmp(text, "written\n", 8) == 0;
}

int main(int argc, char **argv)
{
	const char *how = argc > 2 ? argv[1] : "";
	struct rlimit limit, none = {0};
	int data, last = 2, is_well = 1;

	getrlimit(RLIMIT_NOFILE, &limit);
	limit.rlim_cur = MOST;
	setrlimit(RLIMIT_NOFILE, &limit);
	none.rlim_max = limit.rlim_max;
	data = argc > 2 ? open(argv[2], O_RDWR | O_CREAT | O_TRUNC, 0600) : -1;
	if (data < 0)
		return 5;
	if (strcmp(how, "opens") == 0) {
		while ((data = open("/dev/null", O_RDWR)) >= 0)
			last = data;
		is_well = last == MOST - 1;
	} else if (strcmp(how, "limits") == 0) {
		setrlimit(RLIMIT_NOFILE, &none);
	} else if (strcmp(how, "closes") == 0) {
		closefrom(0);
	} else if (strcmp(how, "replaces") == 0) {
		for (int fd = 0; fd < MOST; fd++)
			if (fd != data)
				dup2(data, fd);
	}
	keep();
	seep_snapshot("meanwhile");
	if (strcmp(how, "closes") == 0)
		is_well = open(argv[2], O_RDWR) == 0 && is_ours(0);
	else if (strcmp(how, "replaces") == 0)
		is_well = is_ours(7) && fcntl(MOST - 1, F_GETFD) == 0;
	setrlimit(RLIMIT_NOFILE, &limit);
	closefrom(3);
	seep_snapshot("after");
	return is_well ? 3 : 4;
}
