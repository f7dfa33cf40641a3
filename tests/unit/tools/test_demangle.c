/* SPDX-License-Identifier: Apache-2.0 */
/* test_demangle: names of linkers become names of people. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tools/symbols/demangle.h"

struct example {
	const char *mangled;
	const char *expected;
};

static void check_examples(const struct example *examples, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		char *text = demangle(examples[i].mangled);
		assert_non_null(text);
		assert_string_equal(text, examples[i].expected);
		free(text);
	}
}
#define CHECK_EXAMPLES(examples) check_examples(examples, sizeof(examples) / sizeof(examples[0]))

static void leaves_c_names_as_they_are(void **state)
{
	(void)state;
	static const struct example examples[] = {
		{"main", "main"},   {"_start", "_start"},   {"", ""},
		{"@", "@"},	    {".hidden", ".hidden"}, {"module.function", "module.function"},
		{"_Zonk", "_Zonk"}, {"_R", "_R"},	    {"_D", "_D"},
		{"_ZN", "_ZN"},
	};
	CHECK_EXAMPLES(examples);
}

static void demangles_cxx_with_parameters_and_without_return_types(void **state)
{
	(void)state;
	static const struct example examples[] = {
		{"_Znwm", "operator new(unsigned long)"},
		{"_ZnamSt11align_val_t", "operator new[](unsigned long, std::align_val_t)"},
		{"_ZN12_GLOBAL__N_13fooEv", "(anonymous namespace)::foo()"},
		{"_Z3addIiEvT_", "add<int>(int)"},
		{"_ZN3FooC2Ev", "Foo::Foo()"},
		{"_ZNSt6vectorIiSaIiEE9push_backERKi",
		 "std::vector<int, std::allocator<int> >::push_back(int const&)"},
		{"_ZZ4mainENKUlvE_clEv", "main::{lambda()#1}::operator()() const"},
	};
	CHECK_EXAMPLES(examples);
}

static void demangles_rust_of_both_manglings_without_hashes(void **state)
{
	(void)state;
	static const struct example examples[] = {
		{"_ZN4main28_$u7b$$u7b$closure$u7d$$u7d$17h0123456789abcdefE", "main::{{closure}}"},
		{"_ZN5alloc7raw_vec19RawVec$LT$T$C$A$GT$7reserve21do_reserve_and_handle17h"
		 "0123456789abcdefE",
		 "alloc::raw_vec::RawVec<T,A>::reserve::do_reserve_and_handle"},
		{"_ZN63_$LT$alloc..alloc..Global$u20$as$u20$core..alloc..Allocator$GT$8allocate17h"
		 "0123456789abcdefE",
		 "<alloc::alloc::Global as core::alloc::Allocator>::allocate"},
		{"_RNvNtNtCs1234_7mycrate3foo3bar3baz", "mycrate::foo::bar::baz"},
		{"_RINvNtC3std3mem8align_ofjE", "std::mem::align_of::<usize>"},
		{"_RNvMNtCs1234_5crate4testNtB2_3Foo3new.llvm.123", "<crate::test::Foo>::new"},
	};
	CHECK_EXAMPLES(examples);
}

static void demangles_d(void **state)
{
	(void)state;
	static const struct example examples[] = {{"_D4main3fooFZv", "main.foo()"}};
	CHECK_EXAMPLES(examples);
}

static void takes_off_versions_and_the_suffixes_of_copies(void **state)
{
	(void)state;
	static const struct example examples[] = {
		{"strdup@@GLIBC_2.2.5", "strdup"},  {"old@VERS_1", "old"},
		{"parse.part.0.cold", "parse"},	    {"parse.isra.0", "parse"},
		{"parse.constprop.12", "parse"},    {"parse.lto_priv.0", "parse"},
		{"parse.llvm.1234567890", "parse"}, {"_ZN3FooC2Ev.cold", "Foo::Foo()"},
		{"_ZL3barv.isra.0", "bar()"},
	};
	CHECK_EXAMPLES(examples);
}

/* Each pair is made of two of the pair before it: the text doubles with every step. */
static void gives_up_on_names_that_stand_for_endless_text(void **state)
{
	(void)state;
	static const char digits[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ";
	for (size_t steps = 1; steps <= 18; steps++) {
		char name[1024] = "_Z1fSt4pairIiiE";
		for (size_t i = 0; i < steps; i++) {
			char step[32];
			/* Every step makes two substitutions: std::pair and the whole of it. */
			snprintf(step, sizeof(step), "St4pairIS%c_S%c_E", digits[2 * i],
				 digits[2 * i]);
			strcat(name, step);
		}
		char *text = demangle(name);
		assert_non_null(text);
		if (steps < 8)
			assert_int_equal(strncmp(text, "f(std::pair<int, int>, ", 23), 0);
		else if (steps > 13)
			assert_string_equal(text, name);
		free(text);
	}
}

static void survives_cut_names(void **state)
{
	(void)state;
	static const char *const names[] = {
		"_ZNSt6vectorINSt7__cxx1112basic_stringIcSt11char_traitsIcESaIcEEESaIS5_EE9push_"
		"backEOS5_",
		"_RNvMNtCs1234_5crate4testNtB2_3Foo3new",
		"_ZN63_$LT$alloc..alloc..Global$u20$as$u20$core..alloc..Allocator$GT$8allocate17h"
		"0123456789abcdefE",
	};
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		for (size_t bytes = 0; bytes <= strlen(names[i]); bytes++) {
			char *cut = strndup(names[i], bytes);
			char *text = demangle(cut);
			assert_non_null(text);
			free(text);
			free(cut);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(leaves_c_names_as_they_are),
		cmocka_unit_test(demangles_cxx_with_parameters_and_without_return_types),
		cmocka_unit_test(demangles_rust_of_both_manglings_without_hashes),
		cmocka_unit_test(demangles_d),
		cmocka_unit_test(takes_off_versions_and_the_suffixes_of_copies),
		cmocka_unit_test(gives_up_on_names_that_stand_for_endless_text),
		cmocka_unit_test(survives_cut_names),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
