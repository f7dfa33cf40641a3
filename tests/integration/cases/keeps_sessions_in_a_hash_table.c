/* SPDX-License-Identifier: Apache-2.0 */
/*
 * keeps_sessions_in_a_hash_table: a global server has a table of chains, and each session a name.
 *
 * held grow_table: g_server.sessions.buckets (FILE) → this
 * held open_session: g_server.sessions.buckets (FILE) → table of grow_table FILE:* → … → this
 * held copy_name: g_server.sessions.buckets (FILE) → table of grow_table FILE:* → * of open_session FILE:* → this
 * bare open_session: g_server → table of grow_table → … → this
 */
#include "scan_point.h"

#define SESSIONS 2000
#define BUCKETS 512

struct session {
	struct session *next;
	char *name;
	int number;
};

struct table {
	size_t bucket_count;
	struct session **buckets;
};

struct server {
	int port;
	struct table sessions;
};

struct server g_server;

APART static void grow_table(struct table *table)
{
	table->bucket_count = BUCKETS;
	table->buckets = calloc(BUCKETS, sizeof(struct session *));
}

APART static char *copy_name(int number)
{
	char *name = malloc(24);

	memset(name, 'a' + number % 26, 24);
	return name;
}

APART static struct session *open_session(int number)
{
	struct session *session = malloc(sizeof(struct session));

	session->number = number;
	session->name = copy_name(number);
	return session;
}

APART static void fill(struct server *server)
{
	grow_table(&server->sessions);
	for (int i = 0; i < SESSIONS; i++) {
		struct session **bucket = &server->sessions.buckets[i % BUCKETS];
		struct session *session = open_session(i);

		session->next = *bucket;
		*bucket = session;
	}
}

int main(void)
{
	fill(&g_server);
	scan_point();
}
