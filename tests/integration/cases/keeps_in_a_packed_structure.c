/* SPDX-License-Identifier: Apache-2.0 */
/*
 * keeps_in_a_packed_structure: the twin of loses_by_an_unaligned_pointer has its pointers at
 * multiples of eight all the same.
 *
 * reach make: reachable=80/2
 * reach make_holder: reachable=24/1
 */
#include "scan_point.h"

struct __attribute__((packed)) message {
	char kind[8];
	void *body;
};

__attribute__((aligned(16))) struct message message;
struct message *holder;

APART static void *make(void)
{
	return malloc(40);
}

APART static void make_holder(void)
{
	holder = calloc(1, 24);
}

APART static void keep(void)
{
	message.body = make();
	holder->body = make();
}

int main(void)
{
	make_holder();
	keep();
	scan_point();
}
