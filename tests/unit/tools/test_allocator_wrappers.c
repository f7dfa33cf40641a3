/* SPDX-License-Identifier: Apache-2.0 */
/* test_allocator_wrappers: who allocates for others is known, who keeps the memory is not folded.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "tools/symbols/allocator_wrappers.h"

static void reduces_names_to_plain_ones(void **state)
{
	(void)state;
	static const struct {
		const char *function, *plain;
	} examples[] = {
		{"main", "main"},
		{"", ""},
		{"f(int, char (*)(long))", "f"},
		{"operator new(unsigned long)", "operator new"},
		{"operator new[](unsigned long, std::align_val_t)", "operator new[]"},
		{"std::allocator<int>::allocate(unsigned long)", "std::allocator::allocate"},
		{"std::operator<< <std::char_traits<char> >(int)", "std::operator<< "},
		{"Foo::operator->() const", "Foo::operator->"},
		{"Foo<(Kind)3>::bar() const", "Foo::bar"},
		{"(anonymous namespace)::Cache<int>::grow(int)",
		 "(anonymous namespace)::Cache::grow"},
		{"main::{lambda(int)#1}::operator()(int) const", "main::{lambda#1}::operator"},
		{"f(int)::Local<int>::g()", "f::Local::g"},
		{"<alloc::vec::Vec<T> as core::clone::Clone>::clone", "alloc::vec::Vec::clone"},
		{"<alloc::vec::Vec<u8>>::with_capacity", "alloc::vec::Vec::with_capacity"},
		{"alloc::vec::from_elem::<u8>", "alloc::vec::from_elem"},
		{"alloc::raw_vec::RawVec<T,A>::reserve::do_reserve_and_handle",
		 "alloc::raw_vec::RawVec::reserve::do_reserve_and_handle"},
		{"unbalanced<(", "unbalanced"},
		{"<", ""},
		{"<a", ""},
	};
	for (size_t i = 0; i < sizeof(examples) / sizeof(examples[0]); i++) {
		char plain[128];
		allocator_wrappers_plain_name(examples[i].function, plain, sizeof(plain));
		assert_string_equal(plain, examples[i].plain);
	}
}

static void cuts_plain_names_that_do_not_fit(void **state)
{
	(void)state;
	char plain[6];
	allocator_wrappers_plain_name("operator new[](unsigned long)", plain, sizeof(plain));
	assert_string_equal(plain, "opera");
	allocator_wrappers_plain_name("abcdefghi", plain, sizeof(plain));
	assert_string_equal(plain, "abcde");
}

static void knows_allocators_of_many_worlds(void **state)
{
	(void)state;
	static const char *const functions[] = {
		"malloc",
		"strdup",
		"__vasprintf_internal",
		"xmalloc",
		"xstrdup",
		"g_malloc0_n",
		"g_strdup",
		"zmalloc",
		"ztrycalloc_usable",
		"PyMem_RawMalloc",
		"_PyMem_RawCalloc",
		"sqlite3MallocZero",
		"ngx_palloc",
		"operator new(unsigned long)",
		"operator new[](unsigned long, std::nothrow_t const&)",
		"std::allocator_traits<std::allocator<int> >::allocate(std::allocator<int>&)",
		"std::__new_allocator<char>::allocate(unsigned long, void const*)",
		"__gnu_cxx::new_allocator<char>::allocate(unsigned long, void const*)",
		"std::_Vector_base<int, std::allocator<int> >::_M_allocate(unsigned long)",
		"std::make_unique<int, int&>(int&)",
		"std::vector<int, std::allocator<int> >::push_back(int const&)",
		"std::__1::map<int, int>::operator[](int const&)",
		"alloc::alloc::alloc",
		"__rust_alloc",
		"alloc::alloc::exchange_malloc",
		"<alloc::alloc::Global as core::alloc::Allocator>::allocate",
		"alloc::raw_vec::RawVec<T,A>::reserve_for_push",
		"<alloc::raw_vec::RawVec<u8>>::grow_one",
		"<alloc::vec::Vec<T> as core::clone::Clone>::clone",
		"alloc::collections::btree::map::BTreeMap<K,V>::insert",
	};
	for (size_t i = 0; i < sizeof(functions) / sizeof(functions[0]); i++)
		assert_true(allocator_wrappers_have(functions[i]));
}

static void does_not_fold_those_who_allocate_for_themselves(void **state)
{
	(void)state;
	static const char *const functions[] = {
		"main",
		"",
		"my_malloc_user",
		"fopen",
		"mallocate",
		"open_session",
		"stdx::vector<int>::push_back(int const&)",
		"standard",
		"Allocator<std::allocator<int> >::allocate(unsigned long)",
		"<app::Session as core::clone::Clone>::clone",
		"core::Session::open()",
		"PyDict_New",
		"sqlite3VdbeCreate",
	};
	for (size_t i = 0; i < sizeof(functions) / sizeof(functions[0]); i++)
		assert_false(allocator_wrappers_have(functions[i]));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reduces_names_to_plain_ones),
		cmocka_unit_test(cuts_plain_names_that_do_not_fit),
		cmocka_unit_test(knows_allocators_of_many_worlds),
		cmocka_unit_test(does_not_fold_those_who_allocate_for_themselves),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
