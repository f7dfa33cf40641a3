/* SPDX-License-Identifier: Apache-2.0 */
/*
 * acknowledges_snapshots: allocates without pause and takes labelled snapshots between; in a file
 * shared with the test it keeps how many blocks it allocated and which snapshots are done, so
 * that the test can kill it at any moment and knows what must be in the seep file.
 *
 *     acknowledges_snapshots SHARED_FILE
 *
 * The test is in test_kill.py.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "seep.h"

struct progress {
	volatile long begun; /* allocations that may have happened */
	volatile long done;  /* allocations that have happened */
	volatile long snapshots;
};

__attribute__((noinline)) static void *allocate(void)
{
	return malloc(48);
}

int main(int argc, char **argv)
{
	int file = open(argv[argc - 1], O_RDWR);
	struct progress *progress =
		mmap(NULL, sizeof(*progress), PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
	char label[32];

	if (progress == MAP_FAILED || !seep_is_watching())
		return 3;
	close(file);
	for (;;) {
		for (int i = 0; i < 500; i++) {
			progress->begun++;
			if (!allocate())
				return 4;
			progress->done++;
		}
		snprintf(label, sizeof(label), "done-%ld", progress->snapshots + 1);
		if (seep_snapshot(label))
			return 5;
		progress->snapshots++;
	}
}
