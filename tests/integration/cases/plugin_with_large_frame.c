/* SPDX-License-Identifier: Apache-2.0 */
/*
 * plugin_with_large_frame: a plug-in for replaces_a_plugin_unseen, built twice with another FRAME;
 * no case of its own.
 */
#include <stddef.h>

#define TEXT(number) TEXT_OF(number)
#define TEXT_OF(number) #number

void *plugin_allocate(size_t bytes);
#ifdef __x86_64__
__asm__(".text\n"
	".globl plugin_allocate\n"
	".type plugin_allocate, @function\n"
	"plugin_allocate:\n"
	".cfi_startproc\n"
	"	sub $" TEXT(
		FRAME) ", %rsp\n"
		       ".cfi_adjust_cfa_offset " TEXT(
			       FRAME) "\n"
				      "	call malloc@plt\n"
				      "	add $" TEXT(FRAME) ", %rsp\n"
							   ".cfi_adjust_cfa_offset -" TEXT(
								   FRAME) "\n"
									  "	ret\n"
									  ".cfi_endproc\n"
									  ".size plugin_allocate, "
									  ".-plugin_allocate\n");
#else
#include <stdlib.h>
void *plugin_allocate(size_t bytes)
{
	volatile char space[FRAME];

	space[0] = 0;
	return malloc(bytes + space[0]);
}
#endif
