/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hostile_file: an input as a file that has a name, in memory.
 */
#include "tests/fuzz/hostile_file.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "tests/fuzz/demand.h"

const char *hostile_file(const uint8_t *bytes, size_t size)
{
	static char name[64];
	static int fd = -1;

	if (fd < 0) {
		fd = memfd_create("hostile", MFD_CLOEXEC);
		DEMAND(fd >= 0, "no file");
		snprintf(name, sizeof(name), "/proc/self/fd/%d", fd);
	}
	DEMAND(ftruncate(fd, 0) == 0 && pwrite(fd, bytes, size, 0) == (ssize_t)size, "no room");
	return name;
}

char *hostile_text(const uint8_t *bytes, size_t size)
{
	char *text = malloc(size + 1);

	DEMAND(text, "no memory");
	if (size > 0)
		memcpy(text, bytes, size);
	text[size] = '\0';
	return text;
}
