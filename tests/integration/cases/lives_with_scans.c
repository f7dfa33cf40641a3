/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lives_with_scans: what a program does with its children, threads and signals while it is scanned; it
 * says so when anything of that is not as it should be, and how many rounds it has made.
 *
 *   vfork      a thread waits for a child that has its memory, for a while
 *   threads    come and go all the time
 *   forks      children that allocate and end
 *   timer      signals every millisecond, whose handler counts
 *   stop       a child stops and continues the process with SIGSTOP and SIGCONT
 */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static _Atomic int is_over;
static _Atomic long ticks;

static void nap_ms(int ms)
{
	struct timespec left = {.tv_nsec = ms * 1000000l};

	while (nanosleep(&left, &left) != 0)
		if (errno != EINTR)
			printf("nanosleep: %s\n", strerror(errno));
}

static void on_tick(int number)
{
	(void)number;
	ticks++;
}

static void *run_vforks(void *unused)
{
	int status;

	while (!is_over) {
		pid_t child = vfork();

		if (child == 0) {
			struct timespec while_parent_waits = {.tv_nsec = 40000000};

			nanosleep(&while_parent_waits, NULL);
			_exit(7);
		}
		if (waitpid(child, &status, 0) != child || !WIFEXITED(status) ||
		    WEXITSTATUS(status) != 7)
			printf("vfork: status %x\n", (unsigned)status);
	}
	return unused;
}

static void *end_soon(void *block)
{
	free(block);
	return NULL;
}

static void *run_threads(void *unused)
{
	pthread_t thread;

	while (!is_over) {
		if (pthread_create(&thread, NULL, end_soon, malloc(100)) != 0)
			printf("no thread\n");
		pthread_join(thread, NULL);
		nap_ms(1);
	}
	return unused;
}

static void *run_forks(void *unused)
{
	int status;

	while (!is_over) {
		pid_t child = fork();

		if (child == 0) {
			void *blocks[100];

			for (int i = 0; i < 100; i++)
				blocks[i] = malloc(50);
			for (int i = 0; i < 100; i++)
				free(blocks[i]);
			_exit(5);
		}
		while (waitpid(child, &status, 0) != child)
			if (errno != EINTR)
				printf("waitpid: %s\n", strerror(errno));
		if (!WIFEXITED(status) || WEXITSTATUS(status) != 5)
			printf("fork: status %x\n", (unsigned)status);
		nap_ms(5);
	}
	return unused;
}

/* From outside, as a shell does it. */
static pid_t start_stopper(void)
{
	pid_t child = fork();

	if (child != 0)
		return child;
	for (;;) {
		nap_ms(30);
		kill(getppid(), SIGSTOP);
		nap_ms(10);
		kill(getppid(), SIGCONT);
	}
}

int main(void)
{
	struct itimerval often = {.it_interval = {.tv_usec = 1000}, .it_value = {.tv_usec = 1000}};
	struct itimerval never = {.it_value = {.tv_usec = 0}};
	struct sigaction action = {.sa_handler = on_tick, .sa_flags = SA_RESTART};
	void *(*const runs[])(void *) = {run_vforks, run_threads, run_forks};
	pthread_t threads[3];
	pid_t stopper;
	char byte;

	setvbuf(stdout, NULL, _IONBF, 0);
	stopper = start_stopper();
	sigaction(SIGALRM, &action, NULL);
	setitimer(ITIMER_REAL, &often, NULL);
	for (int i = 0; i < 3; i++)
		pthread_create(&threads[i], NULL, runs[i], NULL);
	if (read(STDIN_FILENO, &byte, 1) != 0)
		printf("read: %s\n", strerror(errno));
	is_over = 1;
	kill(stopper, SIGKILL);
	kill(getpid(), SIGCONT);
	while (waitpid(stopper, NULL, 0) < 0 && errno == EINTR)
		;
	for (int i = 0; i < 3; i++)
		pthread_join(threads[i], NULL);
	setitimer(ITIMER_REAL, &never, NULL);
	if (waitpid(-1, NULL, __WALL | WNOHANG) != -1 || errno != ECHILD)
		printf("there is a child\n");
	printf("%s\n", ticks > 100 ? "over" : "hardly a signal");
	return 0;
}
