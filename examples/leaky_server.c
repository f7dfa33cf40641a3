/* SPDX-License-Identifier: Apache-2.0 */
/*
 * leaky_server: a small shop that forgets the baskets of customers who walk away.
 *
 * One thread serves customers with epoll; four threads play the customers. Three things happen
 * to memory, as in most servers:
 *
 *   baskets   one per session. A customer who pays gives it back. One who just hangs up does
 *             not: that is the leak, one block for each lost customer.
 *   pages     a cache of rendered product pages. It grows quickly, then ever less, then no more:
 *             all products are in it. Healthy, though it is the largest thing in memory.
 *   replies   allocated and freed for each request. Many, and none of them stays.
 *
 * fixed_server.c is the same shop with the leak mended.
 *
 *     leaky_server [SECONDS]        default 20; prints what it served
 */
#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#ifndef CLEARS_BASKET_ON_HANGUP
#define CLEARS_BASKET_ON_HANGUP false
#endif

#define PRODUCTS 1500
#define PAGE_BYTES 1800
#define CUSTOMERS 4
#define BASKET_ITEMS 60
#define LINE_BYTES 128

struct basket {
	int count;
	int products[BASKET_ITEMS];
};

struct session {
	int fd;
	char *name;
	struct basket *basket;
};

static char *pages[PRODUCTS];
static struct session *sessions[FD_SETSIZE]; /* open ones, by descriptor */
static unsigned long requests, sessions_opened, walked_away;
static volatile bool is_open = true;
static struct sockaddr_un address = {.sun_family = AF_UNIX};
static socklen_t address_bytes;

/* ---- the shop ----------------------------------------------------------------------------- */

static void *or_die(void *block)
{
	if (!block) {
		perror("leaky_server");
		exit(1);
	}
	return block;
}

static struct session *session_open(int fd)
{
	struct session *session = or_die(malloc(sizeof(*session)));

	session->fd = fd;
	session->name = or_die(strdup("customer"));
	session->basket = or_die(calloc(1, sizeof(struct basket))); /* the leak: see below */
	sessions[fd] = session;
	sessions_opened++;
	return session;
}

static void session_close(struct session *session, bool has_paid)
{
	if (has_paid || CLEARS_BASKET_ON_HANGUP)
		free(session->basket);
	if (!has_paid)
		walked_away++;
	sessions[session->fd] = NULL;
	close(session->fd);
	free(session->name);
	free(session);
}

/* Rendering is slow, so each page is kept once it has been asked for. */
static const char *page_get(int product)
{
	if (!pages[product]) {
		pages[product] = or_die(malloc(PAGE_BYTES));
		snprintf(pages[product], PAGE_BYTES, "<h1>Product %d</h1>", product);
	}
	return pages[product];
}

static char *reply_new(const char *text)
{
	char *reply = or_die(malloc(strlen(text) + 2));

	sprintf(reply, "%s\n", text);
	return reply;
}

/* Handles one line. Returns false when the session is over. */
static bool session_handle(struct session *session, const char *line)
{
	const char *text = "unknown request";
	bool goes_on = true;
	int product;
	char *reply;

	requests++;
	if (sscanf(line, "show %d", &product) == 1) {
		text = page_get(product % PRODUCTS);
	} else if (sscanf(line, "take %d", &product) == 1) {
		if (session->basket->count < BASKET_ITEMS)
			session->basket->products[session->basket->count++] = product;
		text = "taken";
	} else if (!strcmp(line, "pay")) {
		text = "thank you";
		goes_on = false;
	}
	reply = reply_new(text);
	if (send(session->fd, reply, strlen(reply), MSG_NOSIGNAL) < 0)
		goes_on = false;
	free(reply);
	return goes_on;
}

static void session_read(struct session *session)
{
	char line[LINE_BYTES];
	ssize_t bytes = read(session->fd, line, sizeof(line) - 1);

	if (bytes <= 0) {
		session_close(session, false);
		return;
	}
	line[bytes] = 0;
	line[strcspn(line, "\n")] = 0;
	if (!session_handle(session, line))
		session_close(session, true);
}

static void serve(int door, time_t until)
{
	struct epoll_event event = {.events = EPOLLIN}, events[16];
	int poll = epoll_create1(EPOLL_CLOEXEC);

	epoll_ctl(poll, EPOLL_CTL_ADD, door, &event);
	while (time(NULL) < until) {
		int count = epoll_wait(poll, events, 16, 200);

		for (int i = 0; i < count; i++) {
			struct session *session = events[i].data.ptr;

			if (session) {
				session_read(session);
				continue;
			}
			session = session_open(accept(door, NULL, NULL));
			event.data.ptr = session;
			epoll_ctl(poll, EPOLL_CTL_ADD, session->fd, &event);
		}
	}
	/* Who is still there when the shop closes. */
	for (int fd = 0; fd < FD_SETSIZE; fd++)
		if (sessions[fd])
			session_close(sessions[fd], false);
	close(poll);
}

/* ---- the customers ------------------------------------------------------------------------ */

static void ask(int fd, const char *verb, unsigned product)
{
	char text[PAGE_BYTES];
	int bytes = snprintf(text, sizeof(text), product ? "%s %u\n" : "%s\n", verb, product);

	if (send(fd, text, bytes, MSG_NOSIGNAL) != bytes || read(fd, text, sizeof(text)) <= 0)
		usleep(1000);
}

static void *customer(void *number)
{
	unsigned random = 1 + (unsigned)(long)number;

	for (unsigned visit = 0; is_open; visit++) {
		int fd = socket(AF_UNIX, SOCK_STREAM, 0);

		if (connect(fd, (struct sockaddr *)&address, address_bytes) == 0) {
			for (int i = 0; i < 4; i++) {
				random = random * 1103515245 + 12345;
				ask(fd, i % 2 ? "take" : "show", 1 + (random >> 16));
			}
			if (visit % 3) /* every third walks away */
				ask(fd, "pay", 0);
		}
		close(fd);
		usleep(4000);
	}
	return NULL;
}

int main(int argc, char **argv)
{
	int seconds = argc > 1 ? atoi(argv[1]) : 20;
	int door = socket(AF_UNIX, SOCK_STREAM, 0);
	pthread_t customers[CUSTOMERS];

	/* An abstract name: nothing to clean up. */
	address_bytes = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 +
				    sprintf(address.sun_path + 1, "leaky_server.%d", getpid()));
	if (door < 0 || bind(door, (struct sockaddr *)&address, address_bytes) ||
	    listen(door, 16)) {
		perror("leaky_server");
		return 1;
	}
	for (long i = 0; i < CUSTOMERS; i++)
		pthread_create(&customers[i], NULL, customer, (void *)i);
	serve(door, time(NULL) + seconds);
	is_open = false;
	close(door);
	for (int i = 0; i < CUSTOMERS; i++)
		pthread_detach(customers[i]);
	printf("served %lu requests in %lu sessions; %lu customers walked away\n", requests,
	       sessions_opened, walked_away);
	return 0;
}
