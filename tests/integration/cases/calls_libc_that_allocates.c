/* SPDX-License-Identifier: Apache-2.0 */
/*
 * calls_libc_that_allocates: directories, patterns, paths, trees, error texts, temporary files.
 *
 * valgrind: equal
 */
#include <dirent.h>
#include <fnmatch.h>
#include <glob.h>
#include <grp.h>
#include <pwd.h>
#include <regex.h>
#include <search.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int order(const void *left, const void *right)
{
	return strcmp(left, right);
}

int main(void)
{
	const char *words[] = {"one", "two", "three", "four", "five"};
	struct dirent **entries;
	regex_t pattern;
	glob_t paths;
	DIR *folder;
	void *tree = NULL;
	int count;

	if (regcomp(&pattern, "^([a-z]+)[0-9]*(x|y)?$", REG_EXTENDED))
		abort();
	if (regexec(&pattern, "abc123x", 0, NULL, 0))
		abort();
	regfree(&pattern);
	if (glob("/etc/pass*", 0, NULL, &paths))
		abort();
	globfree(&paths);
	folder = opendir("/");
	if (!folder || !readdir(folder))
		abort();
	closedir(folder);
	count = scandir("/usr", &entries, NULL, alphasort);
	while (count > 0)
		free(entries[--count]);
	free(entries);
	free(realpath("/usr/./lib/..", NULL));
	free(getcwd(NULL, 0));
	for (int i = 0; i < 5; i++)
		tsearch(words[i], &tree, order);
	tdelete("three", &tree, order);
	hcreate(100);
	hsearch((ENTRY){"key", "value"}, ENTER);
	hdestroy();
	strerror(12345);
	getpwuid(0);
	getgrgid(0);
	return 0;
}
