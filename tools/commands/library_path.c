/* SPDX-License-Identifier: Apache-2.0 */
/* library_path: which libseep.so is preloaded. */
#include "tools/commands/library_path.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <unistd.h>

#include "tools/model/error.h"

#define LIBRARY_NAME "libseep.so"
/* ld.so splits LD_PRELOAD at these, and knows no way to quote them. */
#define PRELOAD_SEPARATORS ": "

static bool try_at(char *path, const char *folder, const char *below)
{
	char wanted[PATH_MAX];

	return snprintf(wanted, sizeof(wanted), "%s%s", folder, below) < (int)sizeof(wanted) &&
	       realpath(wanted, path) && access(path, R_OK) == 0;
}

static bool find(char *path)
{
	/* As it was started, which is all there is where /proc is not mounted. */
	const char *started_as = (const char *)getauxval(AT_EXECFN);
	char self[PATH_MAX];

	if (realpath("/proc/self/exe", self) || (started_as && realpath(started_as, self))) {
		*strrchr(self, '/') = '\0';
		if (try_at(path, self, "/" LIBRARY_NAME) ||
		    try_at(path, self, "/../lib/seep/" LIBRARY_NAME))
			return true;
	}
	return try_at(path, SEEP_LIBDIR, "/" LIBRARY_NAME);
}

int library_path_find(char path[PATH_MAX], struct error *error)
{
	const char *chosen = getenv("SEEP_LIBRARY");

	if (chosen && *chosen) {
		if (!try_at(path, chosen, ""))
			return error_set(error, errno, "SEEP_LIBRARY: cannot read %s: %s", chosen,
					 strerror(errno));
	} else if (!find(path)) {
		return error_set(error, ENOENT,
				 LIBRARY_NAME " is neither beside seep nor in " SEEP_LIBDIR
					      "; install it, or name it in SEEP_LIBRARY");
	}
	if (strpbrk(path, PRELOAD_SEPARATORS))
		return error_set(
			error, EINVAL,
			"%s cannot be preloaded because its path holds a blank or a colon; "
			"copy it elsewhere and name it in SEEP_LIBRARY",
			path);
	return 0;
}

char *library_path_preload(const char *library, const char *before)
{
	size_t bytes = strlen(library) + (before ? strlen(before) : 0) + 2;
	char *value = malloc(bytes);

	if (!value)
		return NULL;
	char *end = stpcpy(value, library);
	for (const char *word = before ? before : ""; *word;) {
		size_t length = strcspn(word, PRELOAD_SEPARATORS);
		const size_t name_length = strlen(LIBRARY_NAME);
		bool is_own = length >= name_length &&
			      memcmp(word + length - name_length, LIBRARY_NAME, name_length) == 0 &&
			      (length == name_length || word[length - name_length - 1] == '/');
		if (length && !is_own) {
			*end++ = ':';
			end = mempcpy(end, word, length);
		}
		word += length + (word[length] != '\0');
	}
	*end = '\0';
	return value;
}
