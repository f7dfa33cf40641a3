/* SPDX-License-Identifier: Apache-2.0 */
/*
 * builtin_suppressions: what the C and C++ libraries lose by themselves, so that no program can do
 * anything about it.
 *
 * What they keep on purpose (caches of names, locales and conversions, the environment, thread stacks,
 * the pool for exceptions of the C++ library) can still be reached, and nothing of it is flagged. So an
 * entry belongs here only if Valgrind says "definitely lost", too, of a program that does nothing wrong,
 * and it says why. What other libraries and whole programs lose is their bug, and is not hidden.
 */
#include "tools/model/suppression.h"

#include <string.h>

static const char text[] =
	/* Debian 12, glibc 2.36: the two steps of a conversion that libc's gconv cache has made up are
	 * released by fclose of a stream that was opened with "ccs=", but not freed. */
	"{\n"
	"   conversions of a stream that fopen has opened with ccs=\n"
	"   Memcheck:Leak\n"
	"   match-leak-kinds: definite,indirect\n"
	"   fun:__gconv_lookup_cache\n"
	"   fun:__gconv_find_transform\n"
	"   ...\n"
	"   fun:__wcsmbs_named_conv\n"
	"   ...\n"
	"   fun:*fopen*\n"
	"}\n";

static const char drivers_text[] = "{\n"
				   "   what a program that runs the tests keeps of them\n"
				   "   Memcheck:Leak\n"
				   "   match-leak-kinds: reachable\n"
				   "   ...\n"
				   "}\n";

static int add(struct suppressions *suppressions, const char *blocks, const char *reason,
	       struct error *error)
{
	size_t first = suppressions->count;
	int result = suppressions_parse(suppressions, "built in", blocks, strlen(blocks), error);

	for (size_t i = first; i < suppressions->count; i++) {
		suppressions->list[i].is_builtin = true;
		suppressions->list[i].reason = reason;
	}
	return result;
}

int suppressions_add_builtin(struct suppressions *suppressions, struct error *error)
{
	return add(suppressions, text, "lost by the C library itself", error);
}

int suppressions_add_drivers(struct suppressions *suppressions, struct error *error)
{
	size_t first = suppressions->count;
	int result = add(suppressions, drivers_text, "kept until it ends", error);

	for (size_t i = first; i < suppressions->count; i++)
		suppressions->list[i].is_of_drivers = suppressions->list[i].is_off = true;
	return result;
}

void suppressions_look_at(struct suppressions *suppressions, bool is_driver)
{
	for (size_t i = 0; i < suppressions->count; i++)
		suppressions->list[i].is_off = suppressions->list[i].is_of_drivers && !is_driver;
}
