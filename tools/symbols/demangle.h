/* SPDX-License-Identifier: Apache-2.0 */
/*
 * demangle: from a linker's name to the one that a person wrote.
 */
#ifndef SEEP_SYMBOLS_DEMANGLE_H
#define SEEP_SYMBOLS_DEMANGLE_H

/* The name of a function as its programmer knows it: C++ (Itanium), Rust (both manglings, without
 * the hash) and D are demangled; symbol versions (@GLIBC_2.2.5) and the suffixes of compilers'
 * copies (.isra.0, .constprop.1, .part.0, .cold, .lto_priv.0, .llvm.123) are taken off. Other names
 * come back as they are. To be freed by the caller; null without memory. */
char *demangle(const char *name);

#endif
