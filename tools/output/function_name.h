/* SPDX-License-Identifier: Apache-2.0 */
/*
 * function_name: a demangled name as a person wants to read it in a stack, in the room there is.
 *
 *     std::__cxx11::basic_string<char, std::char_traits<char>, std::allocator<char> >
 *     Cache<std::string, Session>::insert(std::string const&, Session&&)
 *
 * become std::string and Cache<std::string, Session>::insert; and in less room Cache<…>::insert,
 * then …::insert. Only text output does this: JSON and folded stacks keep the whole name.
 */
#ifndef SEEP_OUTPUT_FUNCTION_NAME_H
#define SEEP_OUTPUT_FUNCTION_NAME_H

struct text_style;

/* The name without parameters, return type and default template arguments, shortened until it
 * takes at most `columns`. For free(); null without memory. */
char *function_name_fit(const struct text_style *style, const char *name, int columns);

#endif
