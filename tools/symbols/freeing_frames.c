/* SPDX-License-Identifier: Apache-2.0 */
/*
 * freeing_frames: which frames of a stack that frees say nothing about who frees.
 *
 * The table is the counterpart of that of allocator_wrappers, with patterns of the same kind: functions
 * whose purpose is to free what their caller hands them, and what a language's own library does for
 * its containers.
 */
#include "tools/symbols/freeing_frames.h"

#include <stdint.h>
#include <string.h>

#include "tools/model/report.h"
#include "tools/symbols/allocator_wrappers.h"

/* clang-format off */
static const char *const patterns[] = {
	/* C library, mapped memory. */
	"free", "cfree", "__libc_free", "__libc_cfree", "munmap", "__munmap",
	/* C++: the language and its library. */
	"operator delete", "operator delete[]", "__cxa_free_exception", "__cxa_vec_delete*",
	"std::*", "__gnu_cxx::*",
	/* Rust. */
	"__rust_dealloc", "__rg_dealloc", "__rdl_dealloc", "__rustc::*", "alloc::*", "core::*",
	"hashbrown::*",
	/* GNU programs, gcc's garbage-collected memory. */
	"xfree", "sh_xfree", "_obstack_free", "__obstack_free", "obstack_free", "objalloc_free",
	"ggc_free", "va_heap::release", "va_gc::release",
	/* GLib. */
	"g_free", "g_free_sized", "g_aligned_free*", "g_slice_free1",
	"g_slice_free_chain_with_offset", "standard_free",
	/* redis and valkey. */
	"zfree", "zfree_usable", "zfree_no_tcache", "zfree_with_flags", "valkey_free", "sdsfree",
	"s_free", "hi_free", "hi_sdsfree",
	/* CPython. */
	"PyMem_*", "_PyMem_*", "PyObject_Free", "_PyObject_Free", "pymalloc_free",
	"PyObject_GC_Del", "_PyObject_ArenaFree", "_PyObject_ArenaMunmap",
	/* sqlite, nginx, apr, PostgreSQL, samba. */
	"sqlite3_free", "sqlite3DbFree*", "sqlite3DbNNFreeNN", "sqlite3MemFree", "sqlite3PageFree",
	"pcache1Free", "ngx_pfree", "allocator_free", "apr_allocator_free", "pfree", "AllocSetFree",
	"pg_free", "_talloc_free*", "_tc_free*",
	/* OpenSSL, libxml2, curl, libuv, lua, perl, ruby, php, FFmpeg, Qt, SDL. */
	"CRYPTO_free", "CRYPTO_clear_free", "CRYPTO_secure_free", "xmlMemFree", "curl_dbg_free",
	"uv__free", "l_alloc", "luaM_free_", "Perl_safesysfree", "ruby_xfree", "ruby_sized_xfree",
	"objspace_xfree", "_efree*", "av_free", "av_freep", "QArrayData::deallocate",
	"QTypedArrayData::deallocate", "QListData::dispose", "SDL_free*",
	/* Allocators that sit on top of malloc in many programs. */
	"safe_free", "checked_free", "efree", "je_free", "mi_free*", "tc_free*", "tc_delete*",
};
/* clang-format on */

/* What follows the last "::" of a plain name. */
static const char *last_part(const char *plain)
{
	const char *part = plain;
	for (const char *at = plain; (at = strstr(at, "::")); part = at)
		at += 2;
	return part;
}

bool freeing_frames_is_wrapper(const char *function)
{
	char plain[512];
	allocator_wrappers_plain_name(function, plain, sizeof(plain));
	/* Also that of a class. */
	if (strncmp(last_part(plain), "operator delete", strlen("operator delete")) == 0)
		return true;
	return allocator_wrappers_match(plain, patterns, sizeof(patterns) / sizeof(*patterns));
}

bool freeing_frames_is_destructor(const char *function)
{
	char plain[512];
	if (strstr(function, " as core::ops::drop::Drop>::drop"))
		return true;
	allocator_wrappers_plain_name(function, plain, sizeof(plain));
	return *last_part(plain) == '~';
}

void freeing_frames_mark(struct frame *frames, size_t count)
{
	bool is_innermost = true;
	size_t last = SIZE_MAX;
	for (size_t i = 0; i < count; i++) {
		struct frame *frame = &frames[i];
		if (frame->is_pseudo)
			continue;
		const char *function = frame->function;
		/* realloc to nothing frees as well. */
		frame->is_wrapper = is_innermost && function &&
				    (frame->is_wrapper || freeing_frames_is_wrapper(function));
		frame->is_destructor = is_innermost && function && !frame->is_wrapper &&
				       freeing_frames_is_destructor(function);
		is_innermost = frame->is_wrapper || frame->is_destructor;
		if (is_innermost)
			last = i;
	}
	if (is_innermost && last != SIZE_MAX)
		frames[last].is_wrapper = false;
}
