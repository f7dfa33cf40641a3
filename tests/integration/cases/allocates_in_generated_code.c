/* SPDX-License-Identifier: Apache-2.0 */
/*
 * allocates_in_generated_code: a program that makes code at run time, as a JIT compiler does, calls
 * malloc from it; there is no unwind data, but a chain of frame pointers.
 *
 * build: -O0; -O2 -fno-omit-frame-pointer
 * expect: live_blocks=1000 lost_stacks=0 lost_cut_stacks=0
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define STUBS 1000

typedef void *allocate(size_t bytes);

static void *blocks[STUBS];

#ifdef __x86_64__
#define STUB_BYTES 24

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

int main(void)
{
	unsigned char *code = mmap(NULL, STUBS * STUB_BYTES, PROT_READ | PROT_WRITE | PROT_EXEC,
				   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (code == MAP_FAILED)
		return 2;
	for (int i = 0; i < STUBS; i++)
		write_stub(code + i * STUB_BYTES);
	for (int i = 0; i < STUBS; i++)
		blocks[i] = ((allocate *)(code + i * STUB_BYTES))(40);
	return 0;
}
#else
int main(void)
{
	for (int i = 0; i < STUBS; i++)
		blocks[i] = malloc(40);
	return 0;
}
#endif
