/* SPDX-License-Identifier: Apache-2.0 */
/*
 * allocator_wrappers: functions that allocate for somebody else.
 *
 * One table. A pattern is a plain name (see allocator_wrappers_plain_name); a * at its end stands
 * for any rest. What belongs here: functions whose purpose is to return memory that their caller
 * asked for, and the containers of a language's own library, which hold what their caller puts in.
 * What does not: functions that allocate for a purpose of their own (fopen), because there the
 * reader wants to see them.
 */
#include "tools/symbols/allocator_wrappers.h"

#include <ctype.h>
#include <string.h>

/* clang-format off */
static const char *const patterns[] = {
	/* C library: the allocator itself under its own and its internal names. A frame of it is
	 * seen where one entry point is made of another. */
	"malloc", "calloc", "realloc", "reallocarray", "memalign", "aligned_alloc",
	"posix_memalign", "valloc", "pvalloc", "__libc_malloc", "__libc_calloc", "__libc_realloc",
	"__libc_reallocarray", "__libc_memalign", "__libc_valloc", "__libc_pvalloc",
	"__posix_memalign",
	/* C library: functions that return a block to be freed by the caller. */
	"strdup", "__strdup", "strndup", "__strndup", "wcsdup", "__wcsdup", "asprintf",
	"__asprintf", "___asprintf", "__asprintf_chk", "___asprintf_chk", "vasprintf",
	"__vasprintf", "__vasprintf_chk", "___vasprintf_chk", "__vasprintf_internal", "getline",
	"__getline", "getdelim", "__getdelim", "_IO_getdelim", "_IO_getline", "__IO_vasprintf",
	"_IO_vasprintf",
	/* Doors of mapped memory. */
	"mmap", "mmap64", "__mmap", "__mmap64", "mremap", "__mremap", "sbrk", "__sbrk", "brk",
	"__brk",

	/* C++: the language, and all of the standard library (libstdc++, libc++): a vector grows
	 * because somebody pushed. */
	"operator new", "operator new[]", "__cxa_allocate_exception",
	"__cxa_allocate_dependent_exception", "std::*", "__gnu_cxx::*",

	/* Rust: the allocator (library/alloc/src/alloc.rs) and what is built on it. */
	"__rust_alloc", "__rust_alloc_zeroed", "__rust_realloc", "__rg_alloc", "__rg_alloc_zeroed",
	"__rg_realloc", "__rdl_alloc", "__rdl_alloc_zeroed", "__rdl_realloc", "__rustc::*",
	"alloc::alloc::*", "alloc::raw_vec::*", "alloc::boxed::*", "alloc::vec::*",
	"alloc::string::*", "alloc::str::*", "alloc::slice::*", "alloc::rc::*", "alloc::sync::*",
	"alloc::borrow::*", "alloc::fmt::*", "alloc::collections::*", "alloc::ffi::*",
	"core::alloc::*", "core::clone::*", "core::convert::*", "core::iter::*", "core::option::*",
	"core::result::*", "hashbrown::*",

	/* GNU programs: libiberty, gnulib's xalloc.h, and everybody who took over the names
	 * (git, bash, gcc, grep, openssh …). */
	"xmalloc", "xcalloc", "xrealloc", "xreallocarray", "x2realloc", "x2nrealloc", "xnmalloc",
	"xnrealloc", "xpalloc", "xzalloc", "xmemdup", "xmemdup0", "xmemdupz", "xstrdup",
	"xstrndup", "xcharalloc", "ximalloc", "xizalloc", "xicalloc", "xirealloc",
	"xireallocarray", "ximemdup", "ximemdup0", "xinmalloc", "xmallocz", "xmallocz_gently",
	"xasprintf", "xvasprintf", "xstrfmt", "xstrvfmt", "xmallocarray", "do_xmalloc",
	"do_xmallocz", "do_xrealloc", "sh_xmalloc", "sh_xrealloc", "xmalloc_internal",
	"_obstack_newchunk", "_obstack_begin", "_obstack_begin_1", "_obstack_begin_worker",
	"call_chunkfun", "_objalloc_alloc", "objalloc_create", "bfd_malloc", "bfd_zmalloc",
	"bfd_realloc", "bfd_alloc", "bfd_zalloc",
	/* gcc's garbage-collected memory: gcc/ggc.h, ggc-page.cc */
	"ggc_internal_alloc", "ggc_internal_cleared_alloc", "ggc_alloc*", "ggc_cleared_alloc*",
	"ggc_realloc", "alloc_page", "alloc_anon", "va_heap::reserve", "va_gc::reserve",
	/* GLib: gmem.h, gstrfuncs.h, gslice.h */
	"g_malloc*", "g_try_malloc*", "g_realloc*", "g_try_realloc*", "g_aligned_alloc*",
	"g_strdup", "g_strndup", "g_strdup_printf", "g_strdup_vprintf", "g_vasprintf", "g_memdup",
	"g_memdup2", "g_slice_alloc*", "g_slice_copy", "standard_malloc", "standard_calloc",
	"standard_realloc",
	/* redis and valkey: zmalloc.h, sds.h */
	"zmalloc", "zmalloc_usable", "zcalloc", "zcalloc_num", "zcalloc_usable", "zrealloc",
	"zrealloc_usable", "ztrymalloc*", "ztrycalloc*", "ztryrealloc*", "zstrdup",
	"zmalloc_no_tcache", "valkey_malloc", "valkey_calloc", "valkey_realloc", "s_malloc",
	"s_realloc", "s_trymalloc", "hi_malloc", "hi_calloc", "hi_realloc", "hi_strdup",
	"activeDefragAlloc",
	/* CPython: pymem.h, Objects/obmalloc.c */
	"PyMem_*", "_PyMem_*", "PyObject_Malloc", "PyObject_Calloc", "PyObject_Realloc",
	"_PyObject_Malloc", "_PyObject_Calloc", "_PyObject_Realloc", "pymalloc_alloc",
	"pymalloc_realloc", "new_arena", "_PyObject_ArenaMalloc", "_PyObject_ArenaMmap",
	"_PyObject_GC_Alloc", "_PyObject_GC_Malloc", "_PyObject_GC_Calloc", "_PyObject_GC_New",
	"_PyObject_GC_NewVar", "_PyObject_GC_Resize", "PyObject_GC_NewVar", "gc_alloc",
	"_PyObject_New", "_PyObject_NewVar", "PyType_GenericAlloc", "_PyType_AllocNoTrack",
	/* sqlite: malloc.c, mem1.c */
	"sqlite3Malloc*", "sqlite3_malloc*", "sqlite3Realloc", "sqlite3_realloc*",
	"sqlite3MemMalloc", "sqlite3MemRealloc", "mallocWithAlarm", "sqlite3DbMalloc*",
	"sqlite3DbRealloc*", "dbMallocRawFinish", "dbReallocFinish", "sqlite3DbStrDup",
	"sqlite3DbStrNDup", "sqlite3DbSpanDup", "sqlite3PageMalloc", "pcache1Alloc",
	/* nginx: os/unix/ngx_alloc.c, core/ngx_palloc.c */
	"ngx_alloc", "ngx_calloc", "ngx_memalign", "ngx_palloc", "ngx_pnalloc", "ngx_pcalloc",
	"ngx_pmemalign", "ngx_palloc_small", "ngx_palloc_large", "ngx_palloc_block",
	/* Apache's apr; PostgreSQL's palloc.h, aset.c; samba's talloc */
	"apr_palloc*", "apr_pcalloc*", "apr_pstrdup", "apr_pmemdup", "allocator_alloc", "palloc",
	"palloc0", "palloc_extended", "repalloc", "pstrdup", "pnstrdup", "MemoryContextAlloc*",
	"AllocSetAlloc*", "AllocSetRealloc", "pg_malloc*", "pg_realloc", "pg_strdup", "_talloc",
	"_talloc_zero", "_talloc_realloc", "talloc_strdup", "talloc_named_const", "__talloc",
	/* OpenSSL, libxml2, curl, libuv, lua, perl, ruby, php, FFmpeg, Qt, SDL */
	"CRYPTO_malloc", "CRYPTO_zalloc", "CRYPTO_calloc", "CRYPTO_realloc", "CRYPTO_strdup",
	"CRYPTO_strndup", "CRYPTO_memdup", "CRYPTO_clear_realloc", "xmlMemMalloc", "xmlMallocLoc",
	"xmlMemStrdupLoc", "xmlStrdup", "xmlStrndup", "xmlCharStrdup", "curl_dbg_malloc",
	"curl_dbg_calloc", "curl_dbg_realloc", "curl_dbg_strdup", "Curl_memdup", "uv__malloc",
	"uv__calloc", "uv__realloc", "uv__reallocf", "uv__strdup", "l_alloc", "luaM_malloc_",
	"luaM_realloc_", "luaM_saferealloc_", "luaM_growaux_", "Perl_safesysmalloc",
	"Perl_safesyscalloc", "Perl_safesysrealloc", "Perl_savepv", "Perl_savepvn",
	"ruby_xmalloc*", "ruby_xcalloc*", "ruby_xrealloc*", "objspace_xmalloc0",
	"objspace_xcalloc", "objspace_xrealloc", "_emalloc*", "_ecalloc*", "_erealloc*",
	"_estrdup*", "__zend_malloc", "__zend_calloc", "__zend_realloc", "av_malloc*",
	"av_mallocz*", "av_calloc", "av_realloc*", "av_strdup", "av_fast_malloc*",
	"QArrayData::allocate*", "QArrayData::reallocate*", "QTypedArrayData::allocate",
	"QListData::detach*", "SDL_malloc*", "SDL_calloc*", "SDL_realloc*", "SDL_strdup*",
	/* Allocators that sit on top of malloc in many programs. */
	"safe_malloc", "safe_calloc", "safe_realloc", "safe_strdup", "checked_malloc",
	"checked_calloc", "checked_realloc", "emalloc", "ecalloc", "erealloc", "estrdup",
	"je_malloc", "je_calloc", "je_realloc", "mi_malloc*", "mi_calloc*", "mi_realloc*",
	"mi_new*", "tc_malloc*", "tc_calloc*", "tc_realloc*", "tc_new*",
};
/* clang-format on */

/* One past the parenthesis, bracket or brace that closes the one at `text`; the end where none
 * does. */
static const char *after_group(const char *text)
{
	char open = *text;
	char close = open == '(' ? ')' : open == '<' ? '>' : '}';
	int depth = 0;
	for (; *text; text++) {
		if (*text == open)
			depth++;
		/* "->" and "=>" close nothing. */
		else if (*text == close && !(close == '>' && (text[-1] == '-' || text[-1] == '=')))
			if (--depth == 0)
				return text + 1;
	}
	return text;
}

static bool is_word(char character)
{
	return isalnum((unsigned char)character) || character == '_' || character == '$';
}

/* How many characters of an operator's name at `text`, which begins with "operator". */
static size_t operator_bytes(const char *text)
{
	size_t bytes = strlen("operator");
	if (is_word(text[bytes]))
		return 0;
	if (strncmp(text + bytes, "()", 2) == 0)
		return bytes; /* the parameters follow */
	if (strncmp(text + bytes, " new[]", 6) == 0)
		return bytes + 6;
	return bytes + strspn(text + bytes, "<>=-+*/%^&|~!,[]");
}

void allocator_wrappers_plain_name(const char *function, char *plain, size_t plain_bytes)
{
	size_t used = 0;
	const char *at = function;
	/* glibc's name for the copy of a function that it calls itself. */
	if (strncmp(at, "__GI_", 5) == 0)
		at += 5;
	/* Rust: <alloc::vec::Vec<T> as core::clone::Clone>::clone; the type is what counts. */
	const char *type = *at == '<' ? ++at : NULL;
	const char *type_end = type ? after_group(function) : NULL;

	while (*at && used + 1 < plain_bytes) {
		if (type_end && at < type_end &&
		    (strncmp(at, " as ", 4) == 0 || at == type_end - 1)) {
			at = type_end;
			type_end = NULL;
			continue;
		}
		bool begins_word = at == function || !is_word(at[-1]);
		size_t bytes = 0;
		if (begins_word && strncmp(at, "operator", 8) == 0)
			bytes = operator_bytes(at);
		if (bytes > 0) {
			bool is_call = strncmp(at, "operator()", 10) == 0;
			for (; bytes > 0 && used + 1 < plain_bytes; bytes--)
				plain[used++] = *at++;
			if (is_call && *at)
				at += 2;
			continue;
		}
		if (*at == '<') {
			/* Rust writes foo::<T> for functions. */
			if (used >= 2 && memcmp(plain + used - 2, "::", 2) == 0)
				used -= 2;
			at = after_group(at);
			continue;
		}
		if (*at == '(' && strncmp(at, "(anonymous", 10) != 0) {
			at = after_group(at);
			if (strncmp(at, "::", 2) != 0 && *at != '#')
				break; /* those were its own parameters, not a lambda's */
			continue;
		}
		plain[used++] = *at++;
	}
	plain[used] = '\0';
}

bool allocator_wrappers_match(const char *plain, const char *const *table, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		size_t bytes = strlen(table[i]);
		bool is_prefix = table[i][bytes - 1] == '*';
		if (is_prefix ? strncmp(plain, table[i], bytes - 1) == 0
			      : strcmp(plain, table[i]) == 0)
			return true;
	}
	return false;
}

bool allocator_wrappers_have(const char *function)
{
	char plain[512];
	allocator_wrappers_plain_name(function, plain, sizeof(plain));
	return allocator_wrappers_match(plain, patterns, sizeof(patterns) / sizeof(patterns[0]));
}
