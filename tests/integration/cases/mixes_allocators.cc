/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mixes_allocators: each way to allocate with each way to free, as its first argument says.
 *
 *     mixes_allocators all               every maker with every freer
 *     mixes_allocators right             its clean twin: only those that belong together
 *     mixes_allocators unseen            as thread, after a free that nobody sees
 *     mixes_allocators moved             what realloc has moved, and delete
 *     mixes_allocators thread|fork       made here, freed by a thread or in a child that made it
 *     mixes_allocators plugin FILE       made and freed by the functions of a plug-in
 *
 * The test is in test_wrong_frees.py.
 */
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <dlfcn.h>
#include <memory>
#include <new>
#include <pthread.h>
#include <string>
#include <sys/wait.h>
#include <unistd.h>
#include <vector>

extern "C" void __libc_free(void *block);

/* So that calls at the end of a function are no jumps. */
#define GO_ON __asm__ volatile("")

#define MAKER(name, expression)                                                                    \
	extern "C" __attribute__((noinline)) void *name()                                          \
	{                                                                                          \
		void *block = expression;                                                          \
		GO_ON;                                                                             \
		return block;                                                                      \
	}
#define FREER(name, statement)                                                                     \
	extern "C" __attribute__((noinline)) void name(void *block)                                \
	{                                                                                          \
		statement;                                                                         \
		GO_ON;                                                                             \
	}

MAKER(by_malloc, malloc(50))
MAKER(by_calloc, calloc(5, 10))
MAKER(by_strdup, strdup("some words"))
MAKER(by_memalign, ({
	      void *aligned = NULL;
	      posix_memalign(&aligned, 64, 100) == 0 ? aligned : NULL;
      }))
MAKER(by_large_malloc, malloc(300000))
MAKER(by_new, operator new(40))
MAKER(by_nothrow, operator new(40, std::nothrow))
MAKER(by_aligned_new, operator new(128, std::align_val_t(64)))
MAKER(by_new_array, new char[100])
MAKER(by_nothrow_array, new (std::nothrow) char[100])

FREER(with_free, free(block))
FREER(with_delete, delete static_cast<char *>(block))
FREER(with_sized_delete, operator delete(block, size_t(40)))
FREER(with_delete_array, delete[] static_cast<char *>(block))

/* What libraries do by themselves, and is right. */
static void use_containers()
{
	std::vector<std::string> words(3, std::string(100, 'x'));
	std::unique_ptr<int[]> numbers(new int[100]);
	std::shared_ptr<int> number = std::make_shared<int>(7);
	words.resize(50);
	try {
		throw std::string(60, 'y');
	} catch (const std::string &) {
	}
	char *line = NULL;
	size_t room = 0;
	FILE *file = fopen("/proc/self/status", "re");
	if (file && getline(&line, &room, file) < 0)
		perror("getline");
	if (file)
		fclose(file);
	free(line);
}

/* Each pair in a line of its own: of each stack the first block is looked at. */
#define MIX_ONE(make, made, give_back, freed)                                                      \
	do {                                                                                       \
		if (!is_right || (made) == (freed))                                                \
			give_back(make());                                                         \
	} while (0)
#define MIX(make, made)                                                                            \
	do {                                                                                       \
		MIX_ONE(make, made, with_free, 0);                                                 \
		MIX_ONE(make, made, with_delete, 1);                                               \
		MIX_ONE(make, made, with_sized_delete, 1);                                         \
		MIX_ONE(make, made, with_delete_array, 2);                                         \
	} while (0)

static void mix(bool is_right)
{
	MIX(by_malloc, 0);
	MIX(by_calloc, 0);
	MIX(by_strdup, 0);
	MIX(by_memalign, 0);
	MIX(by_large_malloc, 0);
	MIX(by_new, 1);
	MIX(by_nothrow, 1);
	MIX(by_aligned_new, 1);
	MIX(by_new_array, 2);
	MIX(by_nothrow_array, 2);
}

static void *free_it(void *block)
{
	with_free(block);
	return NULL;
}

extern "C" __attribute__((noinline)) void *moved()
{
	void *block = realloc(malloc(10), 5000);
	GO_ON;
	return block;
}

static void use_plugin(const char *path)
{
	void *plugin = dlopen(path, RTLD_NOW);
	if (!plugin) {
		fprintf(stderr, "%s\n", dlerror());
		exit(3);
	}
	void *(*make)() = reinterpret_cast<void *(*)()>(dlsym(plugin, "plugin_make"));
	void (*give_back)(void *) =
		reinterpret_cast<void (*)(void *)>(dlsym(plugin, "plugin_free"));
	give_back(by_new());
	give_back(make());
	with_free(make());
	dlclose(plugin);
}

int main(int argc, char **argv)
{
	const std::string how = argc > 1 ? argv[1] : "";

	use_containers();
	if (how == "all" || how == "right") {
		mix(how == "right");
	} else if (how == "unseen") {
		__libc_free(by_malloc());
		with_free(by_malloc());
		with_free(by_new_array());
	} else if (how == "moved") {
		with_delete(moved());
	} else if (how == "thread") {
		pthread_t thread;
		pthread_create(&thread, NULL, free_it, by_new_array());
		pthread_join(thread, NULL);
	} else if (how == "fork") {
		pid_t child = fork();
		if (child == 0) {
			for (int i = 0; i < 50; i++)
				with_free(by_malloc());
			with_delete(by_new_array());
			exit(0);
		}
		waitpid(child, NULL, 0);
	} else if (how == "plugin") {
		use_plugin(argv[2]);
	}
	return 0;
}
