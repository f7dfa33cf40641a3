/* SPDX-License-Identifier: Apache-2.0 */
/*
 * source_place: paths compared as text, because the sources need not be on the machine that runs the
 * tests. Where they are, links in them are followed, so that a checkout behind a link is the same one.
 */
#include "tools/model/source_place.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tools/model/report.h"

/* Folders may have the same names; with the one above them they are sooner the same. */
#define TELLING_PARTS 2u

void source_place_folder(const char *path, char folder[PATH_MAX])
{
	char copy[PATH_MAX];
	const char *slash = strrchr(path, '/');
	size_t length = slash ? (size_t)(slash - path) + 1 : 0;

	snprintf(copy, sizeof(copy), "%.*s", (int)length, path);
	if (length >= sizeof(copy) || !realpath(length ? copy : ".", folder))
		folder[0] = '\0';
}

/* Without "//", "/./" and "/x/../". What leads out of a relative path stays. */
static void make_plain(const char *path, char plain[PATH_MAX])
{
	bool is_absolute = *path == '/';
	size_t used = 0, base = is_absolute;

	if (is_absolute)
		plain[used++] = '/';
	while (*path) {
		size_t length = strcspn(path, "/");
		bool is_up = length == 2 && strncmp(path, "..", 2) == 0;
		if (is_up && used > base) {
			while (used > base && plain[used - 1] != '/')
				used--;
			used -= used > base;
		} else if (length && !(length == 1 && *path == '.') && !(is_up && is_absolute) &&
			   used + length + 2 < PATH_MAX) {
			if (used > is_absolute)
				plain[used++] = '/';
			memcpy(plain + used, path, length);
			used += length;
			base = is_up ? used : base;
		}
		path += length;
		path += *path == '/';
	}
	plain[used] = '\0';
}

/* From the folder to the path, both without links and plain. */
static void make_relative(const char *path, const char *folder, char relative[PATH_MAX])
{
	size_t same = 0, at = 0, used = 0;

	for (; folder[at] && folder[at] == path[at]; at++)
		if (folder[at] == '/')
			same = at;
	if (!folder[at] && path[at] == '/')
		same = at;
	if (*path != '/' || !*folder || (same == 0 && folder[1])) {
		snprintf(relative, PATH_MAX, "%s", path);
		return;
	}
	for (const char *left = folder + same; *left; left++)
		if (*left == '/' && left[1] && used + 4 < PATH_MAX) {
			memcpy(relative + used, "../", 3);
			used += 3;
		}
	snprintf(relative + used, PATH_MAX - used, "%s", path + same + 1);
}

/* It stands in parentheses, in a line. */
static char harmless(char character)
{
	unsigned char code = (unsigned char)character;

	return code < ' ' || code == 0x7f || code == '(' || code == ')' ? '?' : character;
}

static void keep(const char *path, char kept[SOURCE_PLACE_BYTES])
{
	static const char anywhere[] = SOURCE_PLACE_ANYWHERE;
	size_t length = strlen(path), used = 0;

	if (length >= SOURCE_PLACE_BYTES) {
		const char *rest = path + length - (SOURCE_PLACE_BYTES - sizeof(anywhere));
		const char *slash = strchr(rest, '/');
		path = slash ? slash + 1 : rest;
		used = sizeof(anywhere) - 1;
		memcpy(kept, anywhere, used);
	}
	while (*path)
		kept[used++] = harmless(*path++);
	kept[used] = '\0';
}

struct source_place source_place_of(const struct report_site *site, const char *folder)
{
	struct source_place place = {.path = ""};
	char plain[PATH_MAX], real[PATH_MAX], relative[PATH_MAX];
	const char *path = report_site_source(site, &place.is_module);

	place.exists = *path == '/' && realpath(path, real);
	if (!place.exists)
		make_plain(path, plain);
	make_relative(place.exists ? real : plain, folder, relative);
	keep(*relative ? relative : "?", place.path);
	return place;
}

static bool ends_with(const char *path, const char *end)
{
	size_t length = strlen(path), end_length = strlen(end);

	return length > end_length && path[length - end_length - 1] == '/' &&
	       strcmp(path + length - end_length, end) == 0;
}

bool source_place_is(const struct source_place *place, const char *written)
{
	static const char anywhere[] = SOURCE_PLACE_ANYWHERE;

	if (strcmp(place->path, written) == 0)
		return true;
	if (strncmp(written, anywhere, sizeof(anywhere) - 1) != 0)
		return false;
	written += sizeof(anywhere) - 1;
	return strcmp(place->path, written) == 0 || ends_with(place->path, written);
}

static bool is_outside(const char *path)
{
	return *path == '/' || strncmp(path, "../", 3) == 0;
}

static size_t count_common_parts(const char *one, const char *other)
{
	size_t left = strlen(one), other_left = strlen(other), count = 0;

	while (left && other_left && one[left - 1] == other[other_left - 1]) {
		left--;
		other_left--;
		count += one[left] == '/';
	}
	return count + ((!left || one[left - 1] == '/') &&
			(!other_left || other[other_left - 1] == '/') && one[left] != '/');
}

bool source_place_may_be(const struct source_place *place, const char *written, const char *folder)
{
	const char *path = place->path;
	char whole[PATH_MAX + SOURCE_PLACE_BYTES];

	/* Built elsewhere. */
	if (place->is_module && count_common_parts(path, written) >= TELLING_PARTS)
		return true;
	/* All that one of them knows of itself, the other has too. */
	if (is_outside(path) != is_outside(written) &&
	    (ends_with(path, written) || ends_with(written, path)) &&
	    count_common_parts(path, written) >= TELLING_PARTS)
		return true;
	if (!place->exists)
		return false;
	snprintf(whole, sizeof(whole), "%s/%s", *written == '/' ? "" : folder, written);
	return access(whole, F_OK) != 0;
}
