/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_freeing_frames: who frees for others is known, who decided to free is not hidden.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tools/model/report.h"
#include "tools/symbols/freeing_frames.h"

static void knows_what_frees_for_others(void **state)
{
	(void)state;
	static const char *const wrappers[] = {
		"free",
		"__libc_free",
		"__GI___libc_free",
		"operator delete(void*)",
		"operator delete(void*, unsigned long)",
		"operator delete[](void*)",
		"net::Session::operator delete(void*)",
		"std::allocator<int>::deallocate(int*, unsigned long)",
		"std::unique_ptr<Session, std::default_delete<Session> >::~unique_ptr()",
		"__gnu_cxx::new_allocator<char>::deallocate(char*, unsigned long)",
		"std::__cxx11::basic_string<char>::~basic_string()",
		"core::ptr::drop_in_place<alloc::vec::Vec<u8>>",
		"<alloc::vec::Vec<T,A> as core::ops::drop::Drop>::drop",
		"xfree",
		"zfree",
		"PyMem_RawFree",
		"g_free",
	};
	static const char *const owners[] = {
		"session_close",
		"Session::~Session()",
		"free_session",
		"main",
		"freeaddrinfo",
		"stdlib::close()",
		"my_free",
		"",
		"Server::close<std::allocator<int> >(int)",
	};
	for (size_t i = 0; i < sizeof(wrappers) / sizeof(*wrappers); i++)
		if (!freeing_frames_is_wrapper(wrappers[i]))
			fail_msg("%s is none", wrappers[i]);
	for (size_t i = 0; i < sizeof(owners) / sizeof(*owners); i++)
		if (freeing_frames_is_wrapper(owners[i]))
			fail_msg("%s is one", owners[i]);
}

static void knows_destructors(void **state)
{
	(void)state;
	assert_true(freeing_frames_is_destructor("Session::~Session()"));
	assert_true(freeing_frames_is_destructor("net::Box<std::vector<int> >::~Box()"));
	assert_true(freeing_frames_is_destructor("(anonymous namespace)::Hidden::~Hidden()"));
	assert_true(
		freeing_frames_is_destructor("<server::Session as core::ops::drop::Drop>::drop"));
	assert_false(freeing_frames_is_destructor("Session::close()"));
	assert_false(freeing_frames_is_destructor("Bits::operator~() const"));
	assert_false(freeing_frames_is_destructor("drop"));
	assert_false(freeing_frames_is_destructor(""));
}

static void assert_marks(struct frame *frames, size_t count, const char *marks)
{
	freeing_frames_mark(frames, count);
	for (size_t i = 0; i < count; i++) {
		assert_int_equal(frames[i].is_wrapper, marks[i] == 'w');
		assert_int_equal(frames[i].is_destructor, marks[i] == 'd');
	}
}

static void marks_the_innermost_frames_alone(void **state)
{
	(void)state;
	struct frame frames[] = {
		{.function = "[signal]", .is_pseudo = true},
		{.function = "operator delete(void*)"},
		{.function = "Buffer::~Buffer()"},
		{.function = "std::vector<Buffer>::~vector()"},
		{.function = "Session::~Session()"},
		{.function = "Server::close()"},
		{.function = "Server::~Server()"},
		{.function = "std::unique_ptr<Server>::~unique_ptr()", .is_wrapper = true},
		{.function = "main"},
	};
	assert_marks(frames, 9, "-wdwd----");
}

static void something_remains_to_be_named(void **state)
{
	(void)state;
	struct frame frames[] = {{.function = "free"}, {.function = "xfree"}};
	assert_marks(frames, 2, "w-");
	struct frame unknown[] = {{.module = "/lib/x.so"}, {.function = "free"}};
	assert_marks(unknown, 2, "--");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(knows_what_frees_for_others),
		cmocka_unit_test(knows_destructors),
		cmocka_unit_test(marks_the_innermost_frames_alone),
		cmocka_unit_test(something_remains_to_be_named),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
