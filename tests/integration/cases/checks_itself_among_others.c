/* SPDX-License-Identifier: Apache-2.0 */
/*
 * checks_itself_among_others: checks through seep.h where there are other threads, other processes, or a sandbox.
 * The argument says which; each prints what it is told.
 */
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <ucontext.h>
#include <unistd.h>

#include "scan_point.h"
#include "seep.h"

#define THREADS 4

static char *volatile kept;
static atomic_bool is_over;
static atomic_int signals_heard;

APART static void lose(size_t bytes)
{
	kept = malloc(bytes);
	memset(kept, 1, bytes);
	kept = NULL;
}

APART static void *lose_in_thread(void *unused)
{
	lose(40);
	wipe_traces();
	return unused;
}

/* Always has a block in its hands. */
static void *churn(void *unused)
{
	while (!atomic_load(&is_over)) {
		char *volatile block = malloc(200);

		block[0] = 1;
		free(block);
	}
	return unused;
}

static void tell(const char *what, long long found)
{
	printf("%s %lld\n%s", what, found, seep_findings());
	fflush(stdout);
}

/* Who has joined a thread may be faster than it: for a moment its stack is still there, with what it has left. */
APART static long long check_until_found(long long moment)
{
	long long found = 0;

	for (int i = 0; i < 500 && found == 0; i++) {
		if (i > 0)
			usleep(10000);
		found = seep_check_since(moment);
	}
	return found;
}

APART static void with_threads(void)
{
	pthread_t churning[THREADS], losing;
	long long moment;

	for (int i = 0; i < THREADS; i++)
		pthread_create(&churning[i], NULL, churn, NULL);
	moment = seep_moment();
	wipe_traces();
	tell("nothing", seep_check_since(moment));
	pthread_create(&losing, NULL, lose_in_thread, NULL);
	pthread_join(losing, NULL);
	wipe_traces();
	tell("one", check_until_found(moment));
	moment = seep_moment();
	wipe_traces();
	tell("since then", seep_check_since(moment));
	atomic_store(&is_over, true);
	for (int i = 0; i < THREADS; i++)
		pthread_join(churning[i], NULL);
}

/* The moment is its parent's, and what it inherits as lost is not its own. */
APART static void with_fork(void)
{
	long long moment;
	int status;

	lose(24);
	moment = seep_moment();
	if (fork() == 0) {
		lose(48);
		wipe_traces();
		tell("child", seep_check_since(moment));
		_exit(0);
	}
	wait(&status);
	wipe_traces();
	tell("parent", seep_check_since(moment));
}

/* In the child there is one thread only, and none of the others can have what that has lost since. */
APART static void with_fork_beside_threads(void)
{
	pthread_t churning[THREADS];
	int status;

	for (int i = 0; i < THREADS; i++)
		pthread_create(&churning[i], NULL, churn, NULL);
	if (fork() == 0) {
		long long moment = seep_moment();

		lose(48);
		wipe_traces();
		tell("child", seep_check_since(moment));
		_exit(0);
	}
	wait(&status);
	atomic_store(&is_over, true);
	for (int i = 0; i < THREADS; i++)
		pthread_join(churning[i], NULL);
}

static pid_t child = -1;

APART static void fork_in_second_round(void *round)
{
	kept = malloc(24);
	if (++*(int *)round == 2)
		child = fork();
}

/* Both go on with the rounds. */
APART static void with_fork_in_a_round(void)
{
	int round = 0, status;
	long long grown = seep_require_no_growth(8, fork_in_second_round, &round);

	if (child != 0)
		wait(&status);
	tell(child == 0 ? "child" : "parent", grown);
	if (child == 0)
		_exit(0);
}

static ucontext_t here, there;
static char outer_stack[256 << 10];

static void change_stacks(void *unused)
{
	(void)unused;
	swapcontext(&there, &here);
}

/* On a stack that lies below that of main, so that the rounds of main seem to be outside of these. */
static void run_outer_rounds(void)
{
	tell("outer", seep_require_no_growth(4, change_stacks, NULL));
}

static void do_nothing(void *unused)
{
	(void)unused;
}

APART static void with_rounds_on_two_stacks(void)
{
	getcontext(&there);
	there.uc_stack.ss_sp = outer_stack;
	there.uc_stack.ss_size = sizeof(outer_stack);
	there.uc_link = &here;
	makecontext(&there, run_outer_rounds, 0);
	swapcontext(&here, &there);
	if (seep_require_no_growth(4, do_nothing, NULL) != 0)
		printf("inner\n");
	for (int i = 0; i < 4; i++)
		swapcontext(&here, &there);
}

static void hear(int signal)
{
	(void)signal;
	atomic_fetch_add(&signals_heard, 1);
}

/* The tool that knows names is run, and the program has no child. */
APART static void unnoticed(void)
{
	long long moment = seep_moment();
	int below, above;

	signal(SIGCHLD, hear);
	below = dup(0);
	lose(40);
	wipe_traces();
	errno = EDOM;
	tell("one", seep_check_since(moment));
	printf("errno %s\n", errno == EDOM ? "same" : "changed");
	above = dup(0);
	printf("descriptors %s\n", above == below + 1 ? "same" : "changed");
	printf("children %d %s\n", atomic_load(&signals_heard),
	       waitpid(-1, NULL, __WALL | WNOHANG) == -1 && errno == ECHILD ? "none" : "some");
}

static char **volatile older;

APART static void hang_under_older(void)
{
	char **head = older;

	*head = malloc(32);
	memset(*head, 1, 32);
	older = NULL;
}

/* What was there before is lost since, and with it what a test has put into it. */
APART static void under_an_older_block(void)
{
	long long moment;

	older = calloc(1, 64);
	moment = seep_moment();
	hang_under_older();
	wipe_traces();
	tell("one", seep_check_since(moment));
}

static sigjmp_buf before;
static atomic_bool is_checking;

static void jump(int signal)
{
	(void)signal;
	siglongjmp(before, 1);
}

static void *leave_a_check(void *unused)
{
	long long moment = seep_moment();

	if (sigsetjmp(before, 1) == 0) {
		lose(40);
		wipe_traces();
		atomic_store(&is_checking, true);
		seep_check_since(moment);
		printf("not left\n");
	}
	return unused;
}

/* The helper is still at work on what a thread has left when another one asks for names. */
APART static void beside_a_left_check(void)
{
	char *volatile blocks[4];
	pthread_t leaving;
	long long error = 0;
	void *rounds = seep_begin_rounds_(4, &error);

	for (int i = 0; i < 4; i++) {
		blocks[i] = malloc(24);
		seep_end_round_(rounds);
	}
	signal(SIGUSR1, jump);
	pthread_create(&leaving, NULL, leave_a_check, NULL);
	while (!atomic_load(&is_checking))
		usleep(1000);
	usleep(300000);
	pthread_kill(leaving, SIGUSR1);
	pthread_join(leaving, NULL);
	tell("rounds", seep_end_rounds_(rounds));
	for (int i = 0; i < 4; i++)
		free(blocks[i]);
}

/* Whoever reads what this says kills the helper before it says a line itself. */
APART static void without_a_helper(void)
{
	char line[16];
	long long moment = seep_moment();

	lose(40);
	wipe_traces();
	if (fgets(line, sizeof(line), stdin) != NULL)
		tell("one", seep_check_since(moment));
}

static void keep_more(void *unused)
{
	(void)unused;
	kept = malloc(32);
}

/* Once with all that root may do, and once more without. */
APART static void as_nobody(void)
{
	for (int i = 0; i < 2; i++) {
		long long moment = seep_moment();

		lose(40);
		wipe_traces();
		tell("one", seep_check_since(moment));
		tell("grown", seep_require_no_growth(4, keep_more, NULL));
		kept = NULL;
		if (i == 0 && (setgid(65534) != 0 || setuid(65534) != 0))
			perror("setuid");
	}
}

APART static void when_told(void)
{
	char line[16];
	long long moment = seep_moment();

	while (fgets(line, sizeof(line), stdin) != NULL) {
		if (strcmp(line, "mark\n") == 0)
			printf("marked %d\n", seep_mark("when told"));
		if (strcmp(line, "check\n") != 0)
			continue;
		lose(40);
		wipe_traces();
		tell("one", seep_check_since(moment));
	}
}

static void *sleep_on(void *unused)
{
	while (!atomic_load(&is_over))
		usleep(10000);
	return unused;
}

APART static void beside_a_sleeping_thread(void)
{
	long long moment = seep_moment();
	pthread_t thread;

	pthread_create(&thread, NULL, sleep_on, NULL);
	tell("none", seep_check_since(moment));
	lose(40);
	wipe_traces();
	tell("one", seep_check_since(moment));
	atomic_store(&is_over, true);
	pthread_join(thread, NULL);
}

static atomic_int other_checks, not_checked;

static void *check_once(void *unused)
{
	long long moment = seep_moment();

	lose(40);
	wipe_traces();
	if (seep_check_since(moment) == -EBUSY)
		atomic_fetch_add(&not_checked, 1);
	return unused;
}

APART static void at_once(void)
{
	pthread_t threads[2 * THREADS];

	for (int i = 0; i < 2 * THREADS; i++)
		pthread_create(&threads[i], NULL, check_once, NULL);
	for (int i = 0; i < 2 * THREADS; i++)
		pthread_join(threads[i], NULL);
	printf("%d not checked\n", atomic_load(&not_checked));
}

/* Each takes a tenth of a second, for there is another thread. */
static void *check_all_the_time(void *unused)
{
	while (!atomic_load(&is_over)) {
		long long moment = seep_moment();

		lose(40);
		wipe_traces();
		seep_check_since(moment);
		atomic_fetch_add(&other_checks, 1);
	}
	return unused;
}

APART static void in_turn(void)
{
	pthread_t checking;
	int before;

	pthread_create(&checking, NULL, check_all_the_time, NULL);
	while (atomic_load(&other_checks) < 1)
		usleep(1000);
	before = atomic_load(&other_checks);
	for (int i = 0; i < 3; i++)
		seep_check_since(seep_moment());
	printf("others %s\n", atomic_load(&other_checks) - before < 20 ? "in turn" : "first");
	atomic_store(&is_over, true);
	pthread_join(checking, NULL);
}

/* By a timer, as a profiler does. */
APART static void interrupted(void)
{
	const struct itimerval often = {{0, 1000}, {0, 1000}}, never = {0};
	long long moment = seep_moment();

	signal(SIGALRM, hear);
	lose(40);
	wipe_traces();
	setitimer(ITIMER_REAL, &often, NULL);
	tell("one", seep_check_since(moment));
	setitimer(ITIMER_REAL, &never, NULL);
	printf("interrupted %s\n", atomic_load(&signals_heard) > 100 ? "often" : "rarely");
}

APART static void with_too_many_moments(void)
{
	long long moment = seep_moment();
	int moments = 0;

	for (; moment >= 0 && moments < 1000000; moments++)
		moment = seep_moment();
	printf("%d thousand\n", moments / 1000);
	tell("none", moment);
	tell("check", seep_check_since(moment));
}

APART static void in_long_scope(void)
{
	char name[301];

	memset(name, 'n', 300);
	name[300] = 0;
	SEEP_SCOPE(name);
	lose(40);
	wipe_traces();
}

/* From here on, and in whatever this becomes, no process can be made. */
static void forbid_clone(void)
{
	struct sock_filter rules[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_clone, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = {.len = sizeof(rules) / sizeof(rules[0]), .filter = rules};

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
	    prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) != 0)
		perror("seccomp");
}

/* As memcpy leaves there what it has copied last. */
APART static void lose_in_vector_register(void)
{
	char *block = malloc(40);

#ifdef __x86_64__
	__asm__ volatile("movq %0, %%xmm15" : : "r"(block) : "xmm15");
#endif
	kept = block;
	kept = NULL;
}

APART static void with_vector_register(void)
{
	long long moment = seep_moment();

	lose_in_vector_register();
	tell("one", seep_check_since(moment));
}

APART static void in_sandbox(void)
{
	long long moment = seep_moment();

	tell("nothing", seep_check_since(moment));
	lose(40);
	wipe_traces();
	tell("one", seep_check_since(moment));
}

int main(int argc, char **argv)
{
	const char *what = argc > 1 ? argv[1] : "";

	setvbuf(stdout, NULL, _IOLBF, 0);
	printf("%s\n", what);
	if (strcmp(what, "threads") == 0)
		with_threads();
	if (strcmp(what, "fork") == 0)
		with_fork();
	if (strcmp(what, "fork beside threads") == 0)
		with_fork_beside_threads();
	if (strcmp(what, "unnoticed") == 0)
		unnoticed();
	if (strcmp(what, "beside a left check") == 0)
		beside_a_left_check();
	if (strcmp(what, "under an older block") == 0)
		under_an_older_block();
	if (strcmp(what, "fork in a round") == 0)
		with_fork_in_a_round();
	if (strcmp(what, "rounds on two stacks") == 0)
		with_rounds_on_two_stacks();
	if (strcmp(what, "without a helper") == 0)
		without_a_helper();
	if (strcmp(what, "as nobody") == 0)
		as_nobody();
	if (strcmp(what, "when told") == 0)
		when_told();
	if (strcmp(what, "beside a sleeping thread") == 0)
		beside_a_sleeping_thread();
	if (strcmp(what, "at once") == 0)
		at_once();
	if (strcmp(what, "in turn") == 0)
		in_turn();
	if (strcmp(what, "interrupted") == 0)
		interrupted();
	if (strcmp(what, "too many moments") == 0)
		with_too_many_moments();
	if (strcmp(what, "vector register") == 0)
		with_vector_register();
	if (strcmp(what, "long scope") == 0)
		in_long_scope();
	if (strcmp(what, "sandboxed") == 0)
		in_sandbox();
	if (strcmp(what, "sandbox") == 0) {
		forbid_clone();
		execl(argv[0], argv[0], "sandboxed", NULL);
	}
	return 0;
}
