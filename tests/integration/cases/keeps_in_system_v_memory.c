/* SPDX-License-Identifier: Apache-2.0 */
/*
 * keeps_in_system_v_memory: a segment that other processes could attach, too.
 *
 * reach make: reachable=40/1
 */
#include <sys/shm.h>

#include "scan_point.h"

APART static void *make(void)
{
	return malloc(40);
}

APART static void keep(void)
{
	int segment = shmget(IPC_PRIVATE, 65536, 0600);
	void **memory = segment < 0 ? (void *)-1 : shmat(segment, NULL, 0);

	if (segment >= 0)
		shmctl(segment, IPC_RMID, NULL);
	if (memory == (void *)-1)
		abort();
	memory[5000] = make();
}

int main(void)
{
	keep();
	scan_point();
}
