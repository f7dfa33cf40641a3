/* SPDX-License-Identifier: Apache-2.0 */
/* chosen_children: which child processes a run follows, as a user says it with --children. */
#include "tools/commands/chosen_children.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "tools/commands/settings_text.h"
#include "tools/model/error.h"
#include "tools/model/path_base.h"

/* What libseep keeps of a program's name: TASK_COMM_LEN without the zero byte. */
#define NAME_BYTES 15

/* A name of a program has no slash, and hardly ever begins with a dot. */
static bool is_folder(const char *word)
{
	return strchr(word, '/') || *word == '.';
}

/* Cuts the next word off the list; null where there is none. */
static char *next_word(char **list)
{
	char *word = *list, *comma = word ? strchr(word, ',') : NULL;

	if (comma)
		*comma++ = '\0';
	*list = comma;
	return word;
}

static int add_word(char **list, const char *word)
{
	size_t length = *list ? strlen(*list) : 0;
	char *longer = realloc(*list, length + strlen(word) + 2);

	if (!longer)
		return -ENOMEM;
	*list = longer;
	if (length)
		longer[length++] = ',';
	strcpy(longer + length, word);
	return 0;
}

static int resolve(char *words, char **resolved, struct error *error)
{
	bool is_list = strchr(words, ',');
	int result = 0;

	for (char *word; result == 0 && (word = next_word(&words));) {
		/* No program is called so. */
		if (is_list && (strcmp(word, "all") == 0 || strcmp(word, "none") == 0))
			return error_set(error, EINVAL,
					 "--children: '%s' stands alone, or else names or folders",
					 word);
		char *path = is_folder(word) ? realpath(word, NULL) : NULL;
		if (is_folder(word) && !path)
			return error_set(error, errno, "--children: %s: %s", word, strerror(errno));
		/* It would be taken for two, and neither is there. */
		if (path && strchr(path, ','))
			result = error_set(
				error, EINVAL,
				"--children: the folder '%s' has a comma in its name, which "
				"separates folders; name programs instead",
				path);
		else
			result = add_word(resolved, path ? path : word);
		free(path);
	}
	return result == -ENOMEM ? error_set(error, ENOMEM, "out of memory") : result;
}

int chosen_children_resolve(struct settings_text *settings, struct error *error)
{
	const struct setting *setting = settings_find("children");
	char *words = strdup(settings_text_get(settings, "children")), *resolved = NULL;
	int result = words ? resolve(words, &resolved, error)
			   : error_set(error, ENOMEM, "out of memory");

	/* It may have become too long. */
	if (result == 0)
		result = setting_check(setting, "--children", resolved, error);
	if (result == 0)
		result = settings_text_set(settings, setting, resolved, error);
	free(resolved);
	free(words);
	return result;
}

/* A folder has the program itself, wherever a link to it may be; but it is called as the link is: sh, and not
 * dash. */
static bool names(const char *word, size_t length, const char *program, const char *path)
{
	const char *name = path_base(program);

	if (*word == '/')
		return strncmp(word, path, length) == 0 &&
		       (!path[length] || path[length] == '/' || word[length - 1] == '/');
	return strnlen(name, NAME_BYTES) == length && strncmp(word, name, length) == 0;
}

bool chosen_children_leave_out(const char *value, const char *program)
{
	char path[PATH_MAX];

	if (strcmp(value, "all") == 0 || strcmp(value, "none") == 0)
		return false;
	if (!realpath(program, path))
		return false;
	for (const char *word = value;; word++) {
		size_t length = strcspn(word, ",");
		if (names(word, length, program, path))
			return false;
		word += length;
		if (!*word)
			return true;
	}
}
