/* SPDX-License-Identifier: Apache-2.0 */
/*
 * preload_list: LD_PRELOAD, as a program that is to be started finds it.
 *
 * Where the library can no longer be read, by its path or by this user, ld.so would say so on the
 * program's stderr. Then it is left out, and the program starts as if it had never heard of us.
 */
#ifndef LIB_INTERPOSE_PRELOAD_LIST_H
#define LIB_INTERPOSE_PRELOAD_LIST_H

#include <stdbool.h>
#include <stddef.h>

struct preload_list {
	char *const *environment; /* may be null, as for the kernel */
	size_t place;		  /* where LD_PRELOAD stands in it */
	size_t count;		  /* of its entries, without the null pointer */
	size_t bytes;		  /* of LD_PRELOAD, with the zero byte */
};

/* False: the program can be started with this environment as it is, and the rest of `list` says
 * nothing. */
bool preload_list_is_broken(struct preload_list *list, char *const environment[]);

/* The environment without us: `mended` has room for count + 1 pointers, `text` for `bytes`. */
void preload_list_mend(const struct preload_list *list, char *mended[], char *text);

/* The program's own environment without us, for functions that pass it on, where the library is out of
 * reach: from then on the program sees no more of it. Stays as it is where it cannot be changed. */
void preload_list_mend_own(void);

#endif
