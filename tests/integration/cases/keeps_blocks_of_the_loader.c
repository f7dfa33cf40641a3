/* SPDX-License-Identifier: Apache-2.0 */
/*
 * keeps_blocks_of_the_loader: what the dynamic linker and libc allocate for modules, threads and
 * converters is theirs, whether or not something points to it.
 *
 * plugin: plugin_with_thread_locals.c
 * links: -pthread -ldl
 * reach *: reachable=any
 * valgrind *: reachable=any possibly_lost=any; the dynamic linker often points into its own blocks
 */
#include <dlfcn.h>
#include <iconv.h>
#include <locale.h>
#include <pthread.h>
#include <semaphore.h>

#include "scan_point.h"

static sem_t asleep;
iconv_t converter;
static void **(*plugin_slots)(void);

APART static void open_modules(void)
{
	static const char *const names[] = {"libm.so.6",    "libz.so.1",      "libstdc++.so.6",
					    "liblzma.so.5", "libresolv.so.2", "libnss_files.so.2",
					    "libelf.so.1",  "libdw.so.1",     "libjansson.so.4",
					    "libbz2.so.1.0"};
	void *plugin = dlopen("./plugin_with_thread_locals.so", RTLD_NOW);
	int opened = 0;

	for (unsigned i = 0; i < sizeof(names) / sizeof(*names); i++)
		opened += dlopen(names[i], i % 2 ? RTLD_NOW : RTLD_LAZY | RTLD_GLOBAL) != NULL;
	dlopen("./there_is_no_such_module.so", RTLD_NOW);
	plugin_slots = plugin ? (void **(*)(void))dlsym(plugin, "plugin_slots") : NULL;
	if (!plugin_slots || opened < 4)
		abort();
}

APART static void *sleep_with_variables(void *unused)
{
	plugin_slots()[0] = NULL;
	sem_post(&asleep);
	sleep_for_ever();
	return unused;
}

APART static void start(void)
{
	pthread_t thread;

	sem_init(&asleep, 0, 0);
	for (int i = 0; i < 5; i++)
		if (pthread_create(&thread, NULL, sleep_with_variables, NULL))
			abort();
	for (int i = 0; i < 5; i++)
		sem_wait(&asleep);
}

APART static void use_libc(void)
{
	plugin_slots()[0] = NULL;
	setlocale(LC_ALL, "C.UTF-8");
	converter = iconv_open("UTF-16", "ISO-8859-1");
}

int main(void)
{
	open_modules();
	start();
	use_libc();
	scan_point();
}
