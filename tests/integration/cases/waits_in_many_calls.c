/* SPDX-License-Identifier: Apache-2.0 */
/*
 * waits_in_many_calls: a thread in each system call that a thread may wait in for long. They say what
 * their calls have returned, which is nothing before stdin ends, and then what they waited for.
 */
#include <errno.h>
#include <linux/futex.h>
#include <poll.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define FOR_LONG_S 100

static int pipe_ends[2], socket_ends[2], epoll_fd, semaphores, queue;
static _Atomic int is_over, futex_word;
static sem_t posix_semaphore;
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t condition = PTHREAD_COND_INITIALIZER;

static long in_read(void)
{
	char byte;

	return read(pipe_ends[0], &byte, 1);
}

static long in_epoll_wait(void)
{
	struct epoll_event event;

	return epoll_wait(epoll_fd, &event, 1, -1);
}

static long in_epoll_wait_with_limit(void)
{
	struct epoll_event event;

	return epoll_wait(epoll_fd, &event, 1, FOR_LONG_S * 1000);
}

static long in_epoll_pwait(void)
{
	struct epoll_event event;
	sigset_t some;

	sigemptyset(&some);
	sigaddset(&some, SIGUSR1);
	sigaddset(&some, SIGUSR2);
	return epoll_pwait(epoll_fd, &event, 1, -1, &some);
}

static long in_poll(void)
{
	struct pollfd one = {.fd = pipe_ends[0], .events = POLLIN};

	return poll(&one, 1, FOR_LONG_S * 1000);
}

static long in_ppoll(void)
{
	struct pollfd one = {.fd = pipe_ends[0], .events = POLLIN};

	return ppoll(&one, 1, NULL, NULL);
}

static long in_select(void)
{
	fd_set set;

	FD_ZERO(&set);
	FD_SET(pipe_ends[0], &set);
	return select(pipe_ends[0] + 1, &set, NULL, NULL, NULL);
}

static long in_sigtimedwait(void)
{
	struct timespec limit = {.tv_sec = FOR_LONG_S};
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	return sigtimedwait(&set, NULL, &limit);
}

static long in_sigwaitinfo(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR2);
	return sigwaitinfo(&set, NULL);
}

static long in_semop(void)
{
	struct sembuf down = {.sem_num = 0, .sem_op = -1};

	return semop(semaphores, &down, 1);
}

static long in_semtimedop(void)
{
	struct sembuf down = {.sem_num = 1, .sem_op = -1};
	struct timespec limit = {.tv_sec = FOR_LONG_S};

	return semtimedop(semaphores, &down, 1, &limit);
}

static long in_msgrcv(void)
{
	struct {
		long type;
		char text[8];
	} message;

	return msgrcv(queue, &message, sizeof(message.text), 0, 0);
}

static long in_recv_with_limit(void)
{
	struct timeval limit = {.tv_sec = FOR_LONG_S};
	char byte;

	setsockopt(socket_ends[0], SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	return recv(socket_ends[0], &byte, 1, 0);
}

/* Whoever looks after the word has changed is told so. */
static long wait_for_word(const struct timespec *limit)
{
	long result = syscall(SYS_futex, &futex_word, FUTEX_WAIT_PRIVATE, 0, limit, NULL, 0);

	return result != 0 && errno == EAGAIN && is_over ? 0 : result;
}

static long in_futex(void)
{
	return wait_for_word(NULL);
}

static long in_futex_with_limit(void)
{
	struct timespec limit = {.tv_sec = FOR_LONG_S};

	return wait_for_word(&limit);
}

static long in_sem_wait(void)
{
	return sem_wait(&posix_semaphore);
}

static long in_cond_wait(void)
{
	long result = 0;

	pthread_mutex_lock(&mutex);
	while (!is_over && result == 0)
		result = pthread_cond_wait(&condition, &mutex);
	pthread_mutex_unlock(&mutex);
	return result;
}

static struct waiter {
	const char *name;
	long (*wait)(void);
	pthread_t thread;
	long result;
	int error;
	_Atomic int has_returned;
} waiters[] = {
	{"read", in_read},
	{"epoll_wait", in_epoll_wait},
	{"epoll_wait with a limit", in_epoll_wait_with_limit},
	{"epoll_pwait", in_epoll_pwait},
	{"poll", in_poll},
	{"ppoll", in_ppoll},
	{"select", in_select},
	{"sigtimedwait", in_sigtimedwait},
	{"sigwaitinfo", in_sigwaitinfo},
	{"semop", in_semop},
	{"semtimedop", in_semtimedop},
	{"msgrcv", in_msgrcv},
	{"recv with a limit", in_recv_with_limit},
	{"futex", in_futex},
	{"futex with a limit", in_futex_with_limit},
	{"sem_wait", in_sem_wait},
	{"pthread_cond_wait", in_cond_wait},
};
#define WAITERS (sizeof(waiters) / sizeof(waiters[0]))

static void *run(void *context)
{
	struct waiter *waiter = context;

	errno = 0;
	waiter->result = waiter->wait();
	waiter->error = errno;
	waiter->has_returned = 1;
	return NULL;
}

/* What each of them waits for; those that wait for the pipe see its end. */
static void let_all_go(void)
{
	struct sembuf up[2] = {{.sem_num = 0, .sem_op = 1}, {.sem_num = 1, .sem_op = 1}};
	struct {
		long type;
		char text[8];
	} message = {.type = 1};

	is_over = 1;
	close(pipe_ends[1]);
	semop(semaphores, up, 2);
	msgsnd(queue, &message, sizeof(message.text), 0);
	close(socket_ends[1]);
	futex_word = 1;
	syscall(SYS_futex, &futex_word, FUTEX_WAKE_PRIVATE, 1000, NULL, NULL, 0);
	sem_post(&posix_semaphore);
	pthread_mutex_lock(&mutex);
	pthread_cond_broadcast(&condition);
	pthread_mutex_unlock(&mutex);
	kill(getpid(), SIGUSR1);
	kill(getpid(), SIGUSR2);
}

static int64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000ll + now.tv_nsec / 1000000;
}

int main(void)
{
	struct epoll_event wanted = {.events = EPOLLIN};
	struct timespec nap = {.tv_nsec = 600000000}, left = {0};
	int64_t started_ms;
	sigset_t set;
	char byte;
	int status = 0;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigaddset(&set, SIGUSR2);
	sigprocmask(SIG_BLOCK, &set, NULL);
	if (pipe(pipe_ends) != 0 || socketpair(AF_UNIX, SOCK_STREAM, 0, socket_ends) != 0)
		return 2;
	epoll_fd = epoll_create1(0);
	epoll_ctl(epoll_fd, EPOLL_CTL_ADD, pipe_ends[0], &wanted);
	semaphores = semget(IPC_PRIVATE, 2, 0600);
	queue = msgget(IPC_PRIVATE, 0600);
	sem_init(&posix_semaphore, 0, 0);
	for (size_t i = 0; i < WAITERS; i++)
		pthread_create(&waiters[i].thread, NULL, run, &waiters[i]);
	started_ms = now_ms();
	if (nanosleep(&nap, &left) != 0)
		printf("nanosleep: %s\n", strerror(errno));
	if (now_ms() - started_ms < 600)
		printf("nanosleep: too short\n");
	for (;;) {
		long result = waitpid(-1, &status, __WALL | WNOHANG);

		if (result != -1 || errno != ECHILD)
			printf("waitpid: %ld\n", result);
		result = read(STDIN_FILENO, &byte, 1);
		if (result == 0)
			break;
		if (result < 0)
			printf("read of stdin: %s\n", strerror(errno));
	}
	for (size_t i = 0; i < WAITERS; i++)
		if (waiters[i].has_returned)
			printf("%s: %ld, %s\n", waiters[i].name, waiters[i].result,
			       strerror(waiters[i].error));
	printf("now\n");
	let_all_go();
	for (size_t i = 0; i < WAITERS; i++) {
		pthread_join(waiters[i].thread, NULL);
		if (waiters[i].result < 0)
			printf("%s: %ld, %s\n", waiters[i].name, waiters[i].result,
			       strerror(waiters[i].error));
	}
	semctl(semaphores, 0, IPC_RMID);
	msgctl(queue, IPC_RMID, NULL);
	printf("over\n");
	return 0;
}
