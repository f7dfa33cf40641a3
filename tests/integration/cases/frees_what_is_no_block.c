/* SPDX-License-Identifier: Apache-2.0 */
/*
 * frees_what_is_no_block: gives to free what it must not, in the way that its argument names; libc ends most of
 * these programs. Its clean twins are among them: those that end for another reason, or not at all.
 *
 * The test is in test_fatal_frees.py.
 */
#include <assert.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* So that a call at the end of a function is no jump. */
#define GO_ON __asm__ volatile("" ::: "memory")

static long global[64];
static sigjmp_buf before;

__attribute__((noinline)) static void drop(void *block)
{
	free(block);
	GO_ON;
}

__attribute__((noinline)) static char *make(size_t bytes)
{
	char *block = malloc(bytes);
	GO_ON;
	return block;
}

static void *drop_twice(void *unused)
{
	char *block = make(40);

	(void)unused;
	drop(block);
	drop(block);
	return NULL;
}

static void *allocate_for_ever(void *unused)
{
	for (;;)
		drop(make(100));
	return unused;
}

static void leave(int number)
{
	siglongjmp(before, number);
}

static void drop_inside(void)
{
	char *block = make(400);

	memset(block, 0, 400);
	drop(block + 64);
}

/* Too large for what each thread keeps: libc sees it once it has locked the arena. */
static void drop_large_twice(void)
{
	char *block = make(2000), *behind = make(2000);

	drop(block);
	drop(block);
	drop(behind);
}

static void *wait_for_ever(void *has_allocated)
{
	drop(make(100));
	pthread_barrier_wait(has_allocated);
	pause();
	return NULL;
}

static void in_threads(void)
{
	pthread_t threads[3];

	for (int i = 0; i < 2; i++)
		pthread_create(&threads[i], NULL, allocate_for_ever, NULL);
	usleep(20000);
	pthread_create(&threads[2], NULL, drop_twice, NULL);
	pthread_join(threads[2], NULL);
}

/* The address is another block's by then, and nobody can tell. */
static void drop_used_again(void)
{
	char *block = make(40);

	drop(block);
	char *other = make(40);
	drop(block);
	if (other != block)
		abort();
}

static void in_child(void)
{
	int status;
	pid_t child = fork();

	if (child == 0) {
		for (int i = 0; i < 20; i++)
			drop(make(50));
		drop_twice(NULL);
	}
	waitpid(child, &status, 0);
	if (!WIFSIGNALED(status))
		exit(4);
}

/* It is in our memory, where nothing may say of us what it has done. */
static void in_vfork_child(void)
{
	int status;
	pid_t child = vfork();

	if (child == 0) {
		drop(&global[8]);
		_exit(4);
	}
	waitpid(child, &status, 0);
	if (!WIFSIGNALED(status))
		exit(4);
}

int main(int argc, char **argv)
{
	const char *how = argc > 1 ? argv[1] : "";
	long local[64] = {0};

	drop(make(10));
	if (strcmp(how, "twice") == 0)
		drop_twice(NULL);
	else if (strcmp(how, "inside") == 0)
		drop_inside();
	else if (strcmp(how, "stack") == 0)
		drop(&local[8]);
	else if (strcmp(how, "global") == 0)
		drop(&global[8]);
	else if (strcmp(how, "arena") == 0)
		drop_large_twice();
	else if (strcmp(how, "arena, with threads") == 0) {
		pthread_barrier_t has_allocated;
		pthread_t thread;

		pthread_barrier_init(&has_allocated, NULL, 2);
		pthread_create(&thread, NULL, wait_for_ever, &has_allocated);
		pthread_barrier_wait(&has_allocated);
		drop_large_twice();
	} else if (strcmp(how, "large") == 0) {
		char *block = make(400000);
		drop(block);
		drop(block);
	} else if (strcmp(how, "threads") == 0)
		in_threads();
	else if (strcmp(how, "child") == 0)
		in_child();
	else if (strcmp(how, "vfork child") == 0)
		in_vfork_child();
	else if (strcmp(how, "vfork child, then ended") == 0) {
		in_vfork_child();
		raise(SIGKILL);
	} else if (strcmp(how, "again") == 0)
		drop_used_again();
	else if (strcmp(how, "abort") == 0)
		abort();
	else if (strcmp(how, "assert") == 0)
		assert(argc > 9);
	else if (strcmp(how, "caught") == 0) {
		signal(SIGABRT, leave);
		if (sigsetjmp(before, 1) == 0)
			drop(&global[8]);
		puts("went on");
	} else if (strcmp(how, "caught, then ended") == 0) {
		signal(SIGABRT, leave);
		if (sigsetjmp(before, 1) == 0)
			drop(&global[8]);
		signal(SIGABRT, SIG_DFL);
		raise(SIGKILL);
	}
	return 0;
}
