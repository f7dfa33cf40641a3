/* SPDX-License-Identifier: Apache-2.0 */
/*
 * allocator_family: by a list of names. A prefix would not do: a class's own placement operators begin
 * like the global ones.
 */
#include "tools/model/allocator_family.h"

#include <stddef.h>
#include <string.h>

struct member {
	const char *symbol, *word;
	enum allocator_family given, taken;
};

/* clang-format off */
static const struct member members[] = {
	{"malloc", "malloc", FAMILY_MALLOC, FAMILY_UNKNOWN},
	{"calloc", "calloc", FAMILY_MALLOC, FAMILY_UNKNOWN},
	{"realloc", "realloc", FAMILY_MALLOC, FAMILY_MALLOC},
	{"reallocarray", "reallocarray", FAMILY_MALLOC, FAMILY_MALLOC},
	{"memalign", "memalign", FAMILY_MALLOC, FAMILY_UNKNOWN},
	{"aligned_alloc", "aligned_alloc", FAMILY_MALLOC, FAMILY_UNKNOWN},
	{"posix_memalign", "posix_memalign", FAMILY_MALLOC, FAMILY_UNKNOWN},
	{"valloc", "valloc", FAMILY_MALLOC, FAMILY_UNKNOWN},
	{"pvalloc", "pvalloc", FAMILY_MALLOC, FAMILY_UNKNOWN},
	{"free", "free", FAMILY_UNKNOWN, FAMILY_MALLOC},
	{"cfree", "cfree", FAMILY_UNKNOWN, FAMILY_MALLOC},
	{"_Znwm", "new", FAMILY_NEW, FAMILY_UNKNOWN},
	{"_ZnwmRKSt9nothrow_t", "new", FAMILY_NEW, FAMILY_UNKNOWN},
	{"_ZnwmSt11align_val_t", "new", FAMILY_NEW, FAMILY_UNKNOWN},
	{"_ZnwmSt11align_val_tRKSt9nothrow_t", "new", FAMILY_NEW, FAMILY_UNKNOWN},
	{"_Znam", "new[]", FAMILY_NEW_ARRAY, FAMILY_UNKNOWN},
	{"_ZnamRKSt9nothrow_t", "new[]", FAMILY_NEW_ARRAY, FAMILY_UNKNOWN},
	{"_ZnamSt11align_val_t", "new[]", FAMILY_NEW_ARRAY, FAMILY_UNKNOWN},
	{"_ZnamSt11align_val_tRKSt9nothrow_t", "new[]", FAMILY_NEW_ARRAY, FAMILY_UNKNOWN},
	{"_ZdlPv", "delete", FAMILY_UNKNOWN, FAMILY_NEW},
	{"_ZdlPvm", "delete", FAMILY_UNKNOWN, FAMILY_NEW},
	{"_ZdlPvRKSt9nothrow_t", "delete", FAMILY_UNKNOWN, FAMILY_NEW},
	{"_ZdlPvSt11align_val_t", "delete", FAMILY_UNKNOWN, FAMILY_NEW},
	{"_ZdlPvmSt11align_val_t", "delete", FAMILY_UNKNOWN, FAMILY_NEW},
	{"_ZdlPvSt11align_val_tRKSt9nothrow_t", "delete", FAMILY_UNKNOWN, FAMILY_NEW},
	{"_ZdaPv", "delete[]", FAMILY_UNKNOWN, FAMILY_NEW_ARRAY},
	{"_ZdaPvm", "delete[]", FAMILY_UNKNOWN, FAMILY_NEW_ARRAY},
	{"_ZdaPvRKSt9nothrow_t", "delete[]", FAMILY_UNKNOWN, FAMILY_NEW_ARRAY},
	{"_ZdaPvSt11align_val_t", "delete[]", FAMILY_UNKNOWN, FAMILY_NEW_ARRAY},
	{"_ZdaPvmSt11align_val_t", "delete[]", FAMILY_UNKNOWN, FAMILY_NEW_ARRAY},
	{"_ZdaPvSt11align_val_tRKSt9nothrow_t", "delete[]", FAMILY_UNKNOWN, FAMILY_NEW_ARRAY},
};
/* clang-format on */

static const struct member *find(const char *symbol)
{
	/* Most symbols of most modules are none of these. */
	if (!symbol || !*symbol || !strchr("mcrapvf_", *symbol))
		return NULL;
	for (size_t i = 0; i < sizeof(members) / sizeof(*members); i++)
		if (strcmp(members[i].symbol, symbol) == 0)
			return &members[i];
	return NULL;
}

enum allocator_family allocator_family_given(const char *symbol)
{
	const struct member *member = find(symbol);

	return member ? member->given : FAMILY_UNKNOWN;
}

enum allocator_family allocator_family_taken(const char *symbol)
{
	const struct member *member = find(symbol);

	return member ? member->taken : FAMILY_UNKNOWN;
}

const char *allocator_family_symbol(const char *symbol)
{
	const struct member *member = find(symbol);

	return member ? member->symbol : NULL;
}

bool allocator_family_is_operator(const char *symbol)
{
	const struct member *member =
		symbol && symbol[0] == '_' && symbol[1] == 'Z' ? find(symbol) : NULL;

	return member && member->given != FAMILY_MALLOC && member->taken != FAMILY_MALLOC;
}

const char *allocator_family_word(const char *symbol)
{
	const struct member *member = find(symbol);

	return member ? member->word : "?";
}
