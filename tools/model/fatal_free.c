/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fatal_free: the free that has ended the program.
 */
#include "tools/model/fatal_free.h"

#include <errno.h>
#include <stddef.h>

#include "tools/model/arena.h"
#include "tools/model/node_table.h"
#include "tools/model/profile.h"

int fatal_free_read(struct fatal_free **fatal, struct payload payload, struct arena *arena)
{
	struct seep_fatal_free raw;
	const void *words;

	if (!payload_fatal_free(payload, &raw, &words))
		return -EBADMSG;
	struct fatal_free *made = arena_take(arena, 1, sizeof(*made));
	if (!made)
		return -ENOMEM;
	char *message = arena_text(arena, words, raw.message_bytes);
	if (!message)
		return -ENOMEM;
	/* They are libc's, in English. */
	for (char *next = message; *next; next++)
		if (*next < ' ' || *next > '~')
			*next = '?';
	made->raw = raw;
	made->message = message;
	*fatal = made;
	return 0;
}

int fatal_free_link(struct fatal_free **fatal, const struct node_table *nodes)
{
	if (!*fatal)
		return 0;
	struct seep_fatal_free *raw = &(*fatal)->raw;
	uint32_t allocated_by = raw->allocated_by;

	raw->freed_by = node_table_first_id(nodes, raw->freed_by);
	raw->allocated_by = allocated_by ? node_table_first_id(nodes, allocated_by) : 0;
	if (raw->freed_by && (raw->allocated_by || !allocated_by))
		return 0;
	*fatal = NULL;
	return -EBADMSG;
}
