/* SPDX-License-Identifier: Apache-2.0 */
/*
 * function_name: a demangled name as a person wants to read it in a stack, in the room there is.
 *
 * Every step is linear in the length of the name, and the number of steps does not grow with it:
 * names of 100 KiB exist (expression templates) and must not take seconds.
 *
 * No grammar of C++ is needed, only the brackets: which '<' opens a group and which is an operator.
 */
#include "tools/output/function_name.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "tools/output/text_line.h"
#include "tools/output/utf8.h"

#define ELLIPSIS "…"

/* Where brackets stand at some place in a name. */
struct bracket_depth {
	int angle, round, curly;
};

static bool is_word(char c)
{
	return isalnum((unsigned char)c) || c == '_';
}

/* Length of "operator<<" and the like when `at` begins with one, else 0: its symbols are no
 * brackets. The demangler writes a blank between an operator and its template arguments. */
static size_t operator_length(const char *text, const char *at)
{
	size_t length = strlen("operator");

	if (strncmp(at, "operator", length) != 0 || is_word(at[length]) ||
	    (at > text && is_word(at[-1])))
		return 0;
	if (at[length] == '(' && at[length + 1] == ')')
		return length + 2;
	return length + strspn(at + length, "<>=!-+*/%^&|~,");
}

/* Counts the character at `at`; true where it opens or closes a group of angle brackets. */
static bool count_bracket(struct bracket_depth *depth, const char *text, const char *at)
{
	switch (*at) {
	case '<':
		depth->angle++;
		return true;
	case '>':
		if (depth->angle == 0 || (at > text && at[-1] == '-'))
			return false;
		depth->angle--;
		return true;
	case '(':
		depth->round++;
		break;
	case ')':
		depth->round -= depth->round > 0;
		break;
	case '{':
		depth->curly++;
		break;
	case '}':
		depth->curly -= depth->curly > 0;
		break;
	}
	return false;
}

static bool is_outside(const struct bracket_depth *depth)
{
	return depth->angle == 0 && depth->round == 0 && depth->curly == 0;
}

static void replace_all(char *text, const char *from, const char *to)
{
	size_t from_bytes = strlen(from), to_bytes = strlen(to);
	char *out = text;

	for (const char *at = text; *at;) {
		if (strncmp(at, from, from_bytes) == 0) {
			memcpy(out, to, to_bytes);
			out += to_bytes;
			at += from_bytes;
		} else {
			*out++ = *at++;
		}
	}
	*out = 0;
}

/* Removes ", std::allocator<…>" wherever `from` is ", std::allocator<". */
static void remove_argument(char *text, const char *from)
{
	size_t from_bytes = strlen(from);
	char *out = text;

	for (const char *at = text; *at;) {
		if (strncmp(at, from, from_bytes) != 0) {
			*out++ = *at++;
			continue;
		}
		const char *end = at + from_bytes;
		for (int depth = 1; *end && depth > 0; end++)
			depth += *end == '<' ? 1 : *end == '>' ? -1 : 0;
		/* Only a whole last part of the list: "…, std::allocator<X>::rebind" stays. */
		if (*end == '>' || *end == ',' || (*end == ' ' && end[1] == '>')) {
			at = end;
		} else {
			memmove(out, at, from_bytes);
			out += from_bytes;
			at += from_bytes;
		}
	}
	*out = 0;
}

/* What a standard container says of itself although nobody wrote it. */
static void remove_defaults(char *text)
{
	static const char *const default_arguments[] = {
		", std::allocator<", ", std::char_traits<", ", std::default_delete<",
		", std::less<",	     ", std::equal_to<",    ", std::hash<",
	};

	/* As gcc's own messages have it. */
	replace_all(text, "(anonymous namespace)", "{anonymous}");
	replace_all(text, "std::__cxx11::", "std::");
	replace_all(text, "std::__1::", "std::");
	for (size_t i = 0; i < sizeof(default_arguments) / sizeof(*default_arguments); i++)
		if (strstr(text, default_arguments[i]))
			remove_argument(text, default_arguments[i]);
	/* The blank that C++98 wanted between two brackets. */
	replace_all(text, " >", ">");
	replace_all(text, "std::basic_string<char>", "std::string");
	replace_all(text, "std::basic_string_view<char>", "std::string_view");
}

/* Is the round bracket at `at` the list of parameters (and not part of a name)? */
static bool opens_parameters(const char *text, const char *at)
{
	/* Go writes methods as pkg.(*Type).method. */
	return at > text && at[-1] != '.';
}

/* Is nothing but qualifiers left? Otherwise the list belonged to an enclosing function
 * ("f(int)::{lambda(int)#1}::operator()(int)") or to decltype (…) in front. */
static bool ends_name(const char *at)
{
	static const char *const qualifiers[] = {" const", " volatile", " &", " noexcept",
						 " requires"};

	for (size_t i = 0; i < sizeof(qualifiers) / sizeof(*qualifiers); i++)
		if (strncmp(at, qualifiers[i], strlen(qualifiers[i])) == 0)
			return true;
	return *at == 0;
}

/* "void f<int>(int) const [clone .cold]" becomes "f<int>". */
static void remove_signature(char *text)
{
	struct bracket_depth depth = {0};
	char *clone = strstr(text, " [clone ");
	char *name = text, *out = text;
	bool had_parameters = false, is_operator_name = false;

	if (clone)
		*clone = 0;
	for (const char *at = text; *at;) {
		size_t operator_bytes = operator_length(text, at);
		if (operator_bytes) {
			memmove(out, at, operator_bytes);
			out += operator_bytes;
			at += operator_bytes;
			/* "operator new", "operator unsigned long": the blanks belong to it. */
			is_operator_name |= is_outside(&depth);
			continue;
		}
		if (*at == '(' && depth.angle == 0 && opens_parameters(text, at)) {
			int round = 0;
			for (; *at; at++) {
				round += *at == '(' ? 1 : *at == ')' ? -1 : 0;
				if (round == 0)
					break;
			}
			at += *at == ')';
			had_parameters |= depth.curly == 0 && depth.round == 0;
			if (is_outside(&depth) && ends_name(at))
				break;
			continue;
		}
		if (*at == ' ' && is_outside(&depth) && !is_operator_name)
			name = out + 1;
		count_bracket(&depth, text, at);
		*out++ = *at++;
	}
	*out = 0;
	if (had_parameters && *name)
		memmove(text, name, strlen(name) + 1);
}

static int deepest_angle(const char *text)
{
	struct bracket_depth depth = {0};
	int deepest = 0;

	for (const char *at = text; *at;) {
		size_t skip = operator_length(text, at);
		if (!skip) {
			count_bracket(&depth, text, at);
			deepest = depth.angle > deepest ? depth.angle : deepest;
		}
		at += skip ? skip : 1;
	}
	return deepest;
}

/* Writes what stands in template arguments at this depth as "…". `out` has room for the result,
 * which can be longer: "<T>" is shorter than "<…>". */
static void collapse(const char *text, int level, char *out)
{
	struct bracket_depth depth = {0};

	for (const char *at = text; *at;) {
		size_t bytes = operator_length(text, at);
		int before = depth.angle;
		bool is_angle = !bytes && count_bracket(&depth, text, at);
		bytes = bytes ? bytes : 1;
		if (is_angle && depth.angle > before && depth.angle == level && at[1] != '>') {
			memcpy(out, "<" ELLIPSIS, 1 + strlen(ELLIPSIS));
			out += 1 + strlen(ELLIPSIS);
		} else if (before < level || (is_angle && depth.angle < level)) {
			memcpy(out, at, bytes);
			out += bytes;
		}
		at += bytes;
	}
	*out = 0;
}

/* Keeps as many levels of template arguments as fit; false where even none is too long. A name has
 * the more columns the more levels it keeps, so the number can be searched by halves. */
static bool collapse_to_fit(const struct text_style *style, const char *text, int columns,
			    char *out)
{
	int fits = 0, too_deep = deepest_angle(text);

	while (too_deep - fits > 1) {
		int level = fits + (too_deep - fits) / 2;
		collapse(text, level + 1, out);
		if (text_columns(style, out) <= columns)
			fits = level;
		else
			too_deep = level;
	}
	/* `fits` levels are kept, the next one is "…". */
	collapse(text, fits + 1, out);
	return text_columns(style, out) <= columns;
}

/* Puts "…" before the first scope after which the rest fits; false where none is. */
static bool drop_scopes(const struct text_style *style, const char *text, int columns, char *out)
{
	struct bracket_depth depth = {0};

	for (const char *at = text; *at;) {
		size_t skip = operator_length(text, at);
		if (!skip && at > text && strncmp(at, "::", 2) == 0 && is_outside(&depth) &&
		    at[2]) {
			if (text_columns(style, ELLIPSIS) + text_columns(style, at) <= columns) {
				memcpy(out, ELLIPSIS, strlen(ELLIPSIS));
				strcpy(out + strlen(ELLIPSIS), at);
				return true;
			}
		}
		if (!skip)
			count_bracket(&depth, text, at);
		at += skip ? skip : 1;
	}
	return false;
}

/* The beginning and, as names differ at their end, the longer rest from the end. */
static void cut_middle(const struct text_style *style, const char *text, int columns, char *out)
{
	int room = columns - text_columns(style, ELLIPSIS);
	int head = room > 0 ? room / 3 : 0;
	int tail = room > 0 ? room - head : 0;
	int total = text_columns(style, text);
	int at_column = 0;
	bool is_marked = false;

	while (*text) {
		const char *begin = text;
		utf8_next(&text);
		char one[UTF8_MAX_BYTES + 1] = "";
		memcpy(one, begin, (size_t)(text - begin));
		int width = text_columns(style, one);
		if (at_column + width <= head || at_column >= total - tail) {
			memcpy(out, begin, (size_t)(text - begin));
			out += text - begin;
		} else if (!is_marked) {
			memcpy(out, ELLIPSIS, strlen(ELLIPSIS));
			out += strlen(ELLIPSIS);
			is_marked = true;
		}
		at_column += width;
	}
	*out = 0;
}

char *function_name_fit(const struct text_style *style, const char *name, int columns)
{
	/* Collapsing can make a group of one character longer by two bytes. */
	size_t size = strlen(name) * 3 + sizeof(ELLIPSIS);
	char *text = malloc(size), *shorter = malloc(size);
	char *result = text;

	if (!text || !shorter) {
		free(text);
		free(shorter);
		return NULL;
	}
	/* glibc's own calls go through aliases of this name. */
	strcpy(text, name + (strncmp(name, "__GI_", 5) == 0 ? 5 : 0));
	remove_defaults(text);
	remove_signature(text);
	if (text_columns(style, text) <= columns)
		goto out;
	if (collapse_to_fit(style, text, columns, shorter)) {
		result = shorter;
		goto out;
	}
	strcpy(text, shorter);
	if (drop_scopes(style, text, columns, shorter)) {
		result = shorter;
		goto out;
	}
	cut_middle(style, text, columns, shorter);
	result = shorter;
out:
	free(result == text ? shorter : text);
	return result;
}
