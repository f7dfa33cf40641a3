/* SPDX-License-Identifier: Apache-2.0 */
/*
 * loses_by_an_unaligned_pointer: a pointer in a packed structure does not count, in a global and in
 * a block; what is found that way is mostly none.
 *
 * reach make: definitely_lost=80/2
 * reach make_holder: reachable=24/1
 */
#include <string.h>

#include "scan_point.h"

struct __attribute__((packed)) message {
	char kind;
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
