/* SPDX-License-Identifier: Apache-2.0 */
/*
 * site_identity: a name for a site that is the same in the next build.
 *
 * The 64-bit FNV-1a hash (Fowler, Noll, Vo; draft-eastlake-fnv) over the frames from the innermost
 * outwards. A frame counts with the plain name of its function and the base name of its module. So
 * an id survives
 *
 *   other lines         code inserted above, files renamed or moved: files and lines do not count
 *   another optimiser   inlined functions are frames like others; suffixes of clones are left out
 *   a renamed program   the executable counts as such, not by its name; libraries without version
 *   another compiler    names count without parameters and template arguments, which are spelled
 *                       differently; of operator new, std::vector and other functions that allocate
 *                       for somebody else only the one that the program called
 *   another depth       of a function that calls itself directly
 *   another C library   what called main or a thread's first function does not count
 *
 * Sites that agree in all this are twins, and told apart by the order of their calls: see site_twins.
 *
 * It does not survive that a function is renamed or moved to another library, that a caller comes
 * in between or vanishes: where a function ends in a call the compiler may leave no frame of it, and
 * without debug information none of what it inlined. Without a known function a frame counts with
 * its offset in the module, which is the same for one build.
 */
#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "tools/model/path_base.h"
#include "tools/model/profile.h"
#include "tools/model/report.h"

#define FNV_OFFSET UINT64_C(0xcbf29ce484222325)
#define FNV_PRIME UINT64_C(0x100000001b3)

static uint64_t add_bytes(uint64_t hash, const void *bytes, size_t length)
{
	const unsigned char *at = bytes;
	for (size_t i = 0; i < length; i++)
		hash = (hash ^ at[i]) * FNV_PRIME;
	return hash;
}

static bool begins(const char *text, const char *with)
{
	return strncmp(text, with, strlen(with)) == 0;
}

/* ---- functions ---- */

/* "parse.part.0", "parse.constprop.1.isra.0" and "parse [clone .cold]" are all parse. */
static size_t function_length(const char *function)
{
	static const char *const clones[] = {
		".part.", ".constprop.", ".isra.", ".cold", ".lto_priv.", ".llvm.", " [clone ",
	};
	size_t length = strlen(function);
	for (size_t i = 0; i < sizeof(clones) / sizeof(*clones); i++) {
		const char *clone = strstr(function, clones[i]);
		if (clone && clone > function && (size_t)(clone - function) < length)
			length = (size_t)(clone - function);
	}
	return length;
}

/* One past the group that opens at `text`; the end where it is not closed. */
static const char *after_group(const char *text, const char *end)
{
	int depth = 0;
	for (; text < end; text++) {
		if (strchr("(<[{", *text))
			depth++;
		else if (strchr(")]}", *text) ||
			 (*text == '>' && text[-1] != '-' && text[-1] != '='))
			depth--;
		if (depth == 0)
			return text + 1;
	}
	return end;
}

static bool is_word(char character)
{
	return isalnum((unsigned char)character) || character == '_';
}

/* How much of `text` is a name that has brackets of its own; 0 where it has none. */
static size_t bracketed_name_length(const char *text, const char *function, const char *end)
{
	static const char anonymous[] = "(anonymous namespace)", operator_[] = "operator";
	if (begins(text, anonymous))
		return sizeof(anonymous) - 1;
	if (text == function && *text == '<') /* of Rust: <Type as Trait>::function */
		return (size_t)(after_group(text, end) - text);
	size_t length = sizeof(operator_) - 1;
	if (!begins(text, operator_) || (text > function && is_word(text[-1])))
		return 0;
	if (begins(text + length, "()"))
		return length + 2;
	if (begins(text + length, " new[]"))
		return length + 6;
	return length + strspn(text + length, "<>=-+*/%^&|~!,[]");
}

static const char closure[] = "{lambda";

/* "ns::Table<int>::put<char>(int) const" is "ns::Table::put". Closures have no number, for it counts
 * those above them: "{lambda(int)#1}", and clang's "$_0". */
static uint64_t add_function(uint64_t hash, const char *function)
{
	const char *end = function + function_length(function);
	const char *text = function;
	while (text < end) {
		size_t length = bracketed_name_length(text, function, end);
		if (length) {
			hash = add_bytes(hash, text, length);
			text += length;
		} else if (begins(text, "$_") && isdigit((unsigned char)text[2])) {
			hash = add_bytes(hash, closure, strlen(closure));
			text += 2 + strspn(text + 2, "0123456789");
		} else if (*text == '{') {
			hash = add_bytes(hash, text, strcspn(text, "(#}"));
			text = after_group(text, end);
		} else if (*text == '(' || *text == '<' || *text == '[') {
			text = after_group(text, end);
			if (begins(text, " const"))
				text += strlen(" const");
		} else {
			hash = add_bytes(hash, text++, 1);
		}
	}
	return hash;
}

/* Of a function that allocates for somebody else the class is enough: "std::vector". Which of its
 * functions is called in the end, and from where, is its own affair. */
static uint64_t add_wrapper(uint64_t hash, const char *function)
{
	size_t length = strcspn(function, "<(");
	return add_bytes(hash, function, length);
}

/* ---- modules ---- */

static bool is_executable(const struct profile *profile, const char *path)
{
	for (size_t i = 0; profile && i < profile->module_count; i++) {
		const struct module *module = &profile->modules[i];
		if (module->flags & SEEP_MODULE_IS_EXECUTABLE && module->path &&
		    strcmp(module->path, path) == 0)
			return true;
	}
	return false;
}

/* "/usr/lib/libssl.so.3" counts as "libssl.so". */
static uint64_t add_library(uint64_t hash, const char *path)
{
	const char *base = path_base(path);
	const char *version = strstr(base, ".so.");
	return add_bytes(hash, base, version ? (size_t)(version - base) + 3 : strlen(base));
}

/* ---- frames ---- */

/* Does the frame belong to what starts a program or a thread? */
static bool is_of_runtime(const struct frame *frame)
{
	static const char *const libraries[] = {"libc.so.", "libc-", "libpthread", "ld-linux"};
	if (frame->function && strcmp(frame->function, "_start") == 0)
		return true;
	for (size_t i = 0; frame->module && i < sizeof(libraries) / sizeof(*libraries); i++)
		if (begins(path_base(frame->module), libraries[i]))
			return true;
	return false;
}

size_t report_site_length(const struct report_site *site)
{
	size_t count = site->frame_count;
	while (count > 0 && is_of_runtime(&site->frames[count - 1]))
		count--;
	return count ? count : site->frame_count;
}

static bool is_same_text(const char *a, const char *b)
{
	return a == b || (a && b && strcmp(a, b) == 0);
}

static bool calls_itself(const struct frame *inner, const struct frame *outer)
{
	return inner->function && is_same_text(inner->function, outer->function) &&
	       is_same_text(inner->module, outer->module) && !inner->is_pseudo;
}

void report_site_identify(struct report_site *site)
{
	size_t count = report_site_length(site);
	const char *executable = NULL; /* its path, once it was met */
	uint64_t hash = FNV_OFFSET;
	for (size_t i = 0; i < count; i++) {
		const struct frame *frame = &site->frames[i];
		const struct frame *outer = i + 1 < count ? &site->frames[i + 1] : NULL;
		if (outer &&
		    (calls_itself(frame, outer) || (frame->is_wrapper && outer->is_wrapper)))
			continue;
		if (frame->is_wrapper && frame->function) {
			hash = add_wrapper(hash, frame->function);
			hash = add_bytes(hash, "\n", 1);
			continue;
		}
		if (frame->is_pseudo && frame->function) {
			hash = add_bytes(hash, frame->function, strlen(frame->function));
		} else if (frame->function) {
			hash = add_function(hash, frame->function);
		} else if (frame->module) {
			uint64_t offset = frame->offset;
			hash = add_bytes(hash, &offset, sizeof(offset));
		}
		/* Separators, so that ("ab", "c") is not ("a", "bc"). */
		hash = add_bytes(hash, "@", 1);
		if (frame->module && !executable && is_executable(site->profile, frame->module))
			executable = frame->module;
		if (frame->module && executable && is_same_text(frame->module, executable))
			hash = add_bytes(hash, "/", 1); /* no library has such a name */
		else if (frame->module)
			hash = add_library(hash, frame->module);
		hash = add_bytes(hash, "\n", 1);
	}
	site->identity = hash;
	report_site_number(site, 0);
}

/* Of a function that calls itself the innermost line: that does not depend on how deep it is. */
size_t report_site_places(const struct report_site *site, uint64_t *places)
{
	size_t count = report_site_length(site), used = 0;
	for (size_t i = 0; i < count; i++) {
		const struct frame *frame = &site->frames[i];
		if (frame->is_wrapper || frame->is_pseudo ||
		    (i && calls_itself(&site->frames[i - 1], frame)))
			continue;
		/* No line is as large as an address with this bit. */
		places[used++] = frame->line > 0 ? (uint64_t)frame->line
						 : frame->offset | UINT64_C(1) << 63;
	}
	return used;
}

bool frame_is_of_system(const struct frame *frame)
{
	static const char *const folders[] = {"/lib/",	      "/lib64/",     "/lib32/",
					      "/usr/lib/",    "/usr/lib64/", "/usr/lib32/",
					      "/usr/libexec/"};

	for (size_t i = 0; frame->module && i < sizeof(folders) / sizeof(*folders); i++)
		if (begins(frame->module, folders[i]))
			return true;
	return false;
}

const char *report_site_source(const struct report_site *site, bool *is_module)
{
	const struct frame *own = NULL;

	for (size_t i = 0; i < site->frame_count; i++) {
		const struct frame *frame = &site->frames[i];
		if (frame->is_wrapper || frame->is_pseudo)
			continue;
		if (!own || !frame_is_of_system(frame))
			own = frame;
		if (!frame_is_of_system(own))
			break;
	}
	if (!own && site->frame_count)
		own = &site->frames[site->frame_count - 1];
	*is_module = own && !own->file;
	const char *path = own ? own->file ? own->file : own->module : NULL;
	return path ? path : "";
}

void report_site_number(struct report_site *site, size_t number)
{
	uint64_t hash = site->identity;
	if (number) {
		char text[24];
		int length = snprintf(text, sizeof(text), "#%zu", number);
		hash = add_bytes(hash, text, (size_t)length);
	}
	snprintf(site->id, sizeof(site->id), "%016" PRIx64, hash);
}
