/* SPDX-License-Identifier: Apache-2.0 */
/*
 * forks_while_generated_code_allocates: threads allocate from code that lies in no module, each call
 * from another place, and a thread forks; the child allocates from such code too.
 *
 * The test is in test_hazards.py.
 */
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define STUBS (1 << 22)
#define STUB_BYTES 24
#define THREADS 3
#define FORKS 300

typedef void *allocate(size_t bytes);

static unsigned char *code;

#ifdef __x86_64__
static void write_stub(unsigned char *stub)
{
	static const unsigned char around[] = {
		0x55,				       /* push %rbp */
		0x48, 0x89, 0xe5,		       /* mov %rsp, %rbp */
		0x48, 0xb8, 0,	  0, 0, 0, 0, 0, 0, 0, /* movabs $malloc, %rax */
		0xff, 0xd0,			       /* call *%rax */
		0x5d, 0xc3,			       /* pop %rbp; ret */
	};
	uintptr_t function = (uintptr_t)malloc;

	memcpy(stub, around, sizeof(around));
	memcpy(stub + 6, &function, sizeof(function));
}

static void allocate_from(int number)
{
	free(((allocate *)(code + (size_t)(number % STUBS) * STUB_BYTES))(40));
}
#else
static void write_stub(unsigned char *stub)
{
	*stub = 0;
}

static void allocate_from(int number)
{
	free(malloc(40 + number % 2));
}
#endif

static void *allocate_from_everywhere(void *number)
{
	for (int i = (int)(intptr_t)number * 1000000;; i = (i + 1) % STUBS)
		allocate_from(i);
	return NULL;
}

int main(void)
{
	pthread_t threads[THREADS];

	code = mmap(NULL, (size_t)STUBS * STUB_BYTES, PROT_READ | PROT_WRITE | PROT_EXEC,
		    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (code == MAP_FAILED)
		return 2;
	for (int i = 0; i < STUBS; i++)
		write_stub(code + (size_t)i * STUB_BYTES);
	for (intptr_t i = 0; i < THREADS; i++)
		if (pthread_create(&threads[i], NULL, allocate_from_everywhere, (void *)i))
			return 2;
	for (int turn = 0; turn < FORKS; turn++) {
		int status;
		pid_t pid = fork();

		if (pid == 0) {
			alarm(10); /* for one that hangs */
			for (int i = 0; i < 20; i++)
				allocate_from(3000000 + turn * 20 + i);
			_exit(0);
		}
		if (pid < 0 || waitpid(pid, &status, 0) != pid)
			_exit(2);
		if (status != 0) {
			printf("fork %d ends with %#x\n", turn, status);
			fflush(stdout);
			_exit(1);
		}
	}
	puts("no child hangs");
	fflush(stdout);
	_exit(0);
}
