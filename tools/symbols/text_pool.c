/* SPDX-License-Identifier: Apache-2.0 */
/*
 * text_pool: each text once, for as long as the pool lives.
 */
#include "tools/symbols/text_pool.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define HASH_NONFATAL_OOM 1
#include <uthash.h>

struct pooled_text {
	UT_hash_handle hh;
	char text[];
};

struct text_pool {
	struct pooled_text *texts;
};

struct text_pool *text_pool_new(void)
{
	return calloc(1, sizeof(struct text_pool));
}

void text_pool_free(struct text_pool *pool)
{
	if (!pool)
		return;
	struct pooled_text *text, *next;
	HASH_ITER(hh, pool->texts, text, next)
	{
		HASH_DEL(pool->texts, text);
		free(text);
	}
	free(pool);
}

static bool is_harmless(char character)
{
	unsigned char byte = (unsigned char)character;
	return byte >= 0x20 && byte != 0x7f;
}

const char *text_pool_put(struct text_pool *pool, const char *text)
{
	if (!text)
		return NULL;
	size_t bytes = strlen(text);
	struct pooled_text *made = malloc(sizeof(*made) + bytes + 1);
	if (!made)
		return NULL;
	for (size_t i = 0; i < bytes; i++)
		made->text[i] = is_harmless(text[i]) ? text[i] : '?';
	made->text[bytes] = '\0';
	made->hh.tbl = NULL;

	struct pooled_text *found;
	HASH_FIND(hh, pool->texts, made->text, bytes, found);
	if (found) {
		free(made);
		return found->text;
	}
	HASH_ADD_KEYPTR(hh, pool->texts, made->text, bytes, made);
	if (!made->hh.tbl) { /* how uthash says that it had no memory */
		free(made);
		return NULL;
	}
	return made->text;
}
