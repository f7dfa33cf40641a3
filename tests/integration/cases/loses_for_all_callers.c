/* SPDX-License-Identifier: Apache-2.0 */
/*
 * loses_for_all_callers: a library gives names to whoever asks and forgets to free them, with the text
 * that hangs in each.
 *
 *   first      five functions ask
 *   second     three others do
 *   frees      four do, and the last one frees what it got
 *
 * The test is in test_findings.py.
 */
#include <stdlib.h>
#include <string.h>

struct name {
	char *text;
	char padding[88];
};

__attribute__((noinline)) static struct name *item_name(void)
{
	struct name *name = calloc(1, sizeof(struct name));
	name->text = malloc(30);
	memset(name->text, 'n', 30);
	return name;
}

/* Nothing of a name is left on the stack. */
__attribute__((noinline)) static void forget(struct name *name)
{
	volatile char stack[4096];
	for (size_t i = 0; i < sizeof(stack); i++)
		stack[i] = (char)(name != NULL);
}

#define CALLER(n)                                                                                  \
	__attribute__((noinline)) static void caller_##n(void)                                     \
	{                                                                                          \
		forget(item_name());                                                               \
	}
CALLER(1)
CALLER(2)
CALLER(3)
CALLER(4) CALLER(5) CALLER(6) CALLER(7) CALLER(8)

	__attribute__((noinline)) static void caller_that_frees(void)
{
	struct name *name = item_name();
	free(name->text);
	free(name);
}

int main(int argc, char **argv)
{
	const char *mode = argc > 1 ? argv[1] : "";
	if (strcmp(mode, "second") == 0) {
		caller_6();
		caller_7();
		caller_8();
		return 0;
	}
	caller_1();
	caller_2();
	caller_3();
	if (strcmp(mode, "frees") == 0) {
		caller_that_frees();
		return 0;
	}
	caller_4();
	caller_5();
	return 0;
}
