/* SPDX-License-Identifier: Apache-2.0 */
/*
 * demangle: from a linker's name to the one that a person wrote.
 *
 * libiberty knows the manglings. Its variants with a callback are used because a name of a hundred
 * bytes can stand for gigabytes of text (substitutions multiply), and names come from files that
 * nobody vouches for.
 */
#include "tools/symbols/demangle.h"

#include <ctype.h>
#include <setjmp.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <libiberty/demangle.h>

/* The return type says nothing about who allocates and would stand before each template. */
#define OPTIONS (DMGL_PARAMS | DMGL_ANSI | DMGL_RET_DROP)
#define TEXT_MAX_BYTES (64u << 10)

struct demangled_text {
	char *text;
	size_t bytes, capacity;
	jmp_buf too_long; /* the demanglers hold no memory while they print */
};

static void take_text(const char *part, size_t part_bytes, void *context)
{
	struct demangled_text *out = context;
	if (out->bytes + part_bytes >= TEXT_MAX_BYTES)
		longjmp(out->too_long, 1);
	if (out->bytes + part_bytes >= out->capacity) {
		size_t capacity = 2 * (out->bytes + part_bytes) + 64;
		char *text = realloc(out->text, capacity);
		if (!text)
			longjmp(out->too_long, 1);
		out->text = text;
		out->capacity = capacity;
	}
	memcpy(out->text + out->bytes, part, part_bytes);
	out->bytes += part_bytes;
	out->text[out->bytes] = '\0';
}

typedef int demangler(const char *name, int options, demangle_callbackref take, void *context);

static char *demangle_with(demangler *how, const char *name)
{
	struct demangled_text out = {0};
	if (setjmp(out.too_long) == 0 && how(name, OPTIONS, take_text, &out) && out.bytes > 0)
		return out.text;
	free(out.text);
	return NULL;
}

static bool is_digits(const char *text, size_t bytes)
{
	for (size_t i = 0; i < bytes; i++)
		if (!isdigit((unsigned char)text[i]))
			return false;
	return bytes > 0;
}

/* Where the suffixes begin that compilers append to a copy that they made of a function. */
static size_t bytes_without_clone_suffix(const char *name, size_t bytes)
{
	static const char *const suffixes[] = {
		"isra",	      "part",	"constprop", "cold",	 "lto_priv", "llvm",
		"localalias", "clone",	"localsym",  "resolver", "avx2",     "default",
		"warm",	      "ipa_ra", "sse2",	     "unlikely", "__uniq",   "__part"};
	for (;;) {
		size_t dot = bytes;
		while (dot > 0 && name[dot - 1] != '.')
			dot--;
		if (dot <= 1) /* no dot, or the name begins with it */
			return bytes;
		const char *word = name + dot;
		size_t word_bytes = bytes - dot;
		bool is_known = is_digits(word, word_bytes);
		for (size_t i = 0; !is_known && i < sizeof(suffixes) / sizeof(suffixes[0]); i++)
			is_known = strlen(suffixes[i]) == word_bytes &&
				   memcmp(suffixes[i], word, word_bytes) == 0;
		if (!is_known)
			return bytes;
		bytes = dot - 1;
	}
}

char *demangle(const char *name)
{
	/* An @ after the first character begins a symbol version. */
	size_t bytes = name[0] ? 1 + strcspn(name + 1, "@") : 0;
	char *plain = strndup(name, bytes_without_clone_suffix(name, bytes));
	if (!plain)
		return NULL;

	char *text = NULL;
	if (strncmp(plain, "_R", 2) == 0 || strncmp(plain, "_ZN", 3) == 0)
		text = demangle_with(rust_demangle_callback, plain);
	if (!text && strncmp(plain, "_Z", 2) == 0)
		text = demangle_with(cplus_demangle_v3_callback, plain);
	if (!text && strncmp(plain, "_D", 2) == 0 && isdigit((unsigned char)plain[2]))
		text = dlang_demangle(plain, OPTIONS);
	if (!text)
		return plain;
	free(plain);
	return text;
}
