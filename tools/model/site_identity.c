/* SPDX-License-Identifier: Apache-2.0 */
/*
 * site_identity: a name for a site that is the same in the next build.
 *
 * The 64-bit FNV-1a hash (Fowler, Noll, Vo; draft-eastlake-fnv) over the frames from the innermost
 * outwards. A frame counts with its function and the base name of its module; without a known
 * function with its offset in the module, which is then stable for one build at least. Left out is
 * what changes although the program is the same: lines, files, directories, versions of shared
 * libraries, suffixes that compilers give to clones of a function, addresses of generated code.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

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

/* "/usr/lib/libssl.so.3" counts as "libssl.so". */
static uint64_t add_module(uint64_t hash, const char *module)
{
	const char *slash = strrchr(module, '/');
	const char *base = slash ? slash + 1 : module;
	const char *version = strstr(base, ".so.");
	return add_bytes(hash, base, version ? (size_t)(version - base) + 3 : strlen(base));
}

void report_site_identify(struct report_site *site)
{
	uint64_t hash = FNV_OFFSET;
	for (size_t i = 0; i < site->frame_count; i++) {
		const struct frame *frame = &site->frames[i];
		if (frame->function) {
			hash = add_bytes(hash, frame->function, function_length(frame->function));
		} else if (frame->module) {
			uint64_t offset = frame->offset;
			hash = add_bytes(hash, &offset, sizeof(offset));
		}
		/* Separators, so that ("ab", "c") is not ("a", "bc"). */
		hash = add_bytes(hash, "@", 1);
		if (frame->module)
			hash = add_module(hash, frame->module);
		hash = add_bytes(hash, "\n", 1);
	}
	snprintf(site->id, sizeof(site->id), "%016" PRIx64, hash);
}
