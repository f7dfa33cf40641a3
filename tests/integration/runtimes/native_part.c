/* SPDX-License-Identifier: Apache-2.0 */
/*
 * native_part: what a program in another language calls in C: fifty records at a time, which are freed
 * again, or not. For test_runtimes; JNI finds it by a name of its own, node by a function that it calls
 * when it loads it. Nothing of their headers is needed.
 */
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#define RECORDS 50

/* Node's, where node has loaded this. */
__attribute__((weak)) int napi_create_function(void *env, const char *name, size_t name_bytes,
					       void *(*call)(void *, void *), void *data,
					       void **function);
__attribute__((weak)) int napi_set_named_property(void *env, void *object, const char *name,
						  void *value);

void handle(int leaks);
void Java_Work_handle(void *env, void *class, int leaks);
void *napi_register_module_v1(void *env, void *exports);

__attribute__((noinline)) static char *make_record(void)
{
	char *record = malloc(700);

	if (!record)
		abort();
	return memset(record, 'r', 700);
}

void handle(int leaks)
{
	for (int i = 0; i < RECORDS; i++) {
		char *record = make_record();

		if (!leaks)
			free(record);
	}
}

void Java_Work_handle(void *env, void *class, int leaks)
{
	(void)env;
	(void)class;
	handle(leaks);
}

static void *leak(void *env, void *information)
{
	(void)env;
	(void)information;
	handle(1);
	return NULL;
}

static void *use(void *env, void *information)
{
	(void)env;
	(void)information;
	handle(0);
	return NULL;
}

void *napi_register_module_v1(void *env, void *exports)
{
	void *function;

	napi_create_function(env, "leak", 4, leak, NULL, &function);
	napi_set_named_property(env, exports, "leak", function);
	napi_create_function(env, "use", 3, use, NULL, &function);
	napi_set_named_property(env, exports, "use", function);
	return exports;
}
