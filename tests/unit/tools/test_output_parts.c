/* SPDX-License-Identifier: Apache-2.0 */
/* test_output_parts: numbers, names, curves, styles and sinks, each for itself. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <pty.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "seep/snapshot_format.h"
#include "tests/unit/tools/sample_report.h"
#include "tools/model/error.h"
#include "tools/output/function_name.h"
#include "tools/output/number_text.h"
#include "tools/output/sink.h"
#include "tools/output/snapshot_list.h"
#include "tools/output/sparkline.h"
#include "tools/output/text_line.h"
#include "tools/output/utf8.h"

static void sizes_have_three_digits(void **state)
{
	(void)state;
	static const struct {
		uint64_t bytes;
		const char *text;
	} cases[] = {
		{0, "0 B"},
		{1, "1 B"},
		{1023, "1,023 B"},
		{1024, "1.00 KiB"},
		{10239, "10.0 KiB"},
		{12595, "12.3 KiB"},
		{1023u << 10, "0.999 MiB"},
		{1u << 20, "1.00 MiB"},
		{4413456, "4.21 MiB"},
		{999u << 20, "999 MiB"},
		{1ull << 40, "1.00 TiB"},
		{UINT64_MAX, "16.0 EiB"},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		assert_string_equal(number_bytes(cases[i].bytes).text, cases[i].text);
	assert_string_equal(number_bytes_change(12595).text, "+12.3 KiB");
	assert_string_equal(number_bytes_change(-12595).text, "-12.3 KiB");
	assert_string_equal(number_bytes_change(0).text, "0 B");
	assert_string_equal(number_bytes_change(INT64_MIN).text, "-8.00 EiB");
}

static void counts_have_separators(void **state)
{
	(void)state;
	assert_string_equal(number_count(0).text, "0");
	assert_string_equal(number_count(999).text, "999");
	assert_string_equal(number_count(1000).text, "1,000");
	assert_string_equal(number_count(UINT64_MAX).text, "18,446,744,073,709,551,615");
	assert_string_equal(number_count_change(36211).text, "+36,211");
	assert_string_equal(number_count_change(-1).text, "-1");
	assert_string_equal(number_count_change(INT64_MIN).text, "-9,223,372,036,854,775,808");
}

static void rates_share_the_unit_of_their_interval(void **state)
{
	(void)state;
	double mib = 1 << 20;

	assert_string_equal(number_rate(4.2 * mib).text, "+4.20 MiB/h");
	assert_string_equal(number_rate(-512).text, "-512 B/h");
	assert_string_equal(number_rate(NAN).text, "?");
	assert_string_equal(number_rate(INFINITY).text, "+7.81 EiB/h");
	assert_string_equal(number_rate_interval(4.2 * mib, 3.91 * mib, 4.49 * mib).text,
			    "3.91 to 4.49");
	assert_string_equal(number_rate_interval(300 * 1024, -20 * 1024, 620 * 1024).text,
			    "-20 to 620");
}

static void durations_roll_over_at_the_right_moment(void **state)
{
	(void)state;
	static const struct {
		double seconds;
		const char *text;
	} cases[] = {
		{0, "0 s"},	     {0.00002, "20 us"},   {0.1, "100 ms"},	 {0.9994, "999 ms"},
		{0.9999, "1.0 s"},   {9.94, "9.9 s"},	   {9.96, "10 s"},	 {59.4, "59 s"},
		{59.6, "1 m 00 s"},  {63, "1 m 03 s"},	   {3599.9, "1 h 00 m"}, {7500, "2 h 05 m"},
		{86399, "1 d 00 h"}, {273600, "3 d 04 h"}, {NAN, "?"},		 {-1, "?"},
		{1e300, "ages"},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		assert_string_equal(number_duration(cases[i].seconds).text, cases[i].text);
}

static void confidence_is_never_certainty(void **state)
{
	(void)state;
	assert_string_equal(number_error(0.087).text, "±9 %");
	assert_string_equal(number_error(0.0032).text, "±0.3 %");
	assert_string_equal(number_error(0).text, "±0.0 %");
	assert_string_equal(number_error(1.96).text, "±196 %");
	assert_string_equal(number_error(NAN).text, "");
	assert_string_equal(number_confidence(1).text, "over 99 %");
	assert_string_equal(number_confidence(0.874).text, "87 %");
	assert_string_equal(number_confidence(0).text, "under 1 %");
}

static void names_are_shortened_where_it_hurts_least(void **state)
{
	(void)state;
	static const struct {
		const char *name;
		int columns;
		const char *text;
	} cases[] = {
		{"open_session", 80, "open_session"},
		{"main", 1, "…"},
		{"__GI___strdup", 80, "__strdup"},
		{"Cache<std::string, int>::insert(int&&) const", 80,
		 "Cache<std::string, int>::insert"},
		{"Cache<std::string, int>::insert(int)", 20, "Cache<…>::insert"},
		{"Cache<std::string, int>::insert(int)", 12, "…::insert"},
		{"void sort<int*, bool (*)(int, int)>(int*, int*)", 80,
		 "sort<int*, bool (*)(int, int)>"},
		{"std::__cxx11::basic_string<char, std::char_traits<char>, std::allocator<char> "
		 ">::_M_create(unsigned long&, unsigned long)",
		 80, "std::string::_M_create"},
		{"std::vector<std::vector<int, std::allocator<int> >, "
		 "std::allocator<std::vector<int, std::allocator<int> > > >::push_back(int)",
		 80, "std::vector<std::vector<int>>::push_back"},
		{"std::vector<std::vector<A, B> >::push_back(int)", 38,
		 "std::vector<std::vector<…>>::push_back"},
		{"operator new(unsigned long)", 80, "operator new"},
		{"Foo::operator()(int) const", 80, "Foo::operator()"},
		{"std::ostream& std::operator<< <char>(std::ostream&, char const*)", 80,
		 "std::operator<< <char>"},
		{"Foo::operator->() const", 80, "Foo::operator->"},
		{"Foo::operator unsigned long() const", 80, "Foo::operator unsigned long"},
		{"(anonymous namespace)::start(int)", 80, "{anonymous}::start"},
		{"run(int)::{lambda(int)#1}::operator()(int) const", 80,
		 "run::{lambda#1}::operator()"},
		{"handle(int) [clone .cold]", 80, "handle"},
		{"decltype (f({parm#1})) call<int>(int)", 80, "call<int>"},
		{"<alloc::vec::Vec<T> as core::iter::Extend<T>>::extend", 80,
		 "<alloc::vec::Vec<T> as core::iter::Extend<T>>::extend"},
		{"main.(*Server).Serve", 80, "main.(*Server).Serve"},
		{"a_very_long_name_of_a_plain_c_function", 20, "a_very…in_c_function"},
		{"", 80, ""},
		{"((((", 80, "("},
		{">>>><<<<", 80, ">>>><<<<"},
	};
	struct text_style style = {.width = 80, .is_utf8 = true};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		char *text = function_name_fit(&style, cases[i].name, cases[i].columns);
		assert_non_null(text);
		assert_string_equal(text, cases[i].text);
		assert_true(text_columns(&style, text) <= cases[i].columns);
		free(text);
	}
}

static void a_monstrous_name_takes_no_time(void **state)
{
	(void)state;
	struct text_style style = {.width = 80, .is_utf8 = true};
	size_t depth = 20000;
	char *name = malloc(depth * 8 + 64), *end = name;

	for (size_t i = 0; i < depth; i++)
		end = stpcpy(end, "A<B, ");
	for (size_t i = 0; i < depth; i++)
		end = stpcpy(end, i % 2 ? ">" : " >");
	strcpy(end, "::go()");
	char *text = function_name_fit(&style, name, 40);
	assert_string_equal(text, "A<B, A<B, A<B, A<B, A<B, A<…>>>>>>::go");
	free(text);
	free(name);
}

static void curves_follow_time_not_snapshots(void **state)
{
	(void)state;
	char curve[SPARKLINE_BYTES];
	/* Nine snapshots in the first second, one at the end of ten. */
	static const double t_s[] = {0, .1, .2, .3, .4, .5, .6, .7, .8, 10};
	static const uint64_t values[] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 16};
	static const uint64_t flat[] = {100, 101, 100, 101, 100, 101, 100, 101, 100, 101};
	static const uint64_t zero[10];

	assert_int_equal(sparkline_draw(t_s, values, 10, 5, false, curve), 5);
	assert_string_equal(curve, "____#");
	assert_int_equal(sparkline_draw(t_s, values, 10, 99, true, curve), 10);
	assert_int_equal(strlen(curve), 30);
	sparkline_draw(t_s, flat, 10, 4, true, curve);
	assert_non_null(strstr("▄▄▄▅ ▄▄▄▄ ▅▅▅▅", curve));
	sparkline_draw(t_s, zero, 10, 3, true, curve);
	assert_string_equal(curve, "▁▁▁");
	assert_int_equal(sparkline_draw(t_s, values, 0, 5, true, curve), 0);
	assert_int_equal(sparkline_draw((double[]){1, 1}, values, 2, 5, false, curve), 2);
	assert_string_equal(curve, "_#");
}

static void bad_utf8_is_replaced_byte_by_byte(void **state)
{
	(void)state;
	char *text = utf8_valid_copy("a\xff\xc0\xaf\xed\xa0\x80\xf5ü\xe2\x82");

	assert_string_equal(text, "a\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"
				  "\xef\xbf\xbd\xef\xbf\xbdü\xef\xbf\xbd\xef\xbf\xbd");
	free(text);
}

static void lines_are_cut_and_made_harmless(void **state)
{
	(void)state;
	struct text_style style = {.width = 10, .is_utf8 = true};
	struct text_line line;
	char *text = SAMPLE_WRITTEN(stream, {
		text_line_begin(&line, stream, &style);
		text_line_put(&line, INK_PLAIN, "0123456789");
		text_line_end(&line);
		text_line_put(&line, INK_PLAIN, "01234567890");
		text_line_put(&line, INK_PLAIN, "never seen");
		text_line_end(&line);
		text_line_put(&line, INK_PLAIN, "漢字漢字漢字");
		text_line_end(&line);
		text_line_put(&line, INK_PLAIN,
			      "a\033[2J\xe2\x80\xae"
			      "b");
		text_line_end(&line);
		text_line_pad(&line, 5);
		text_line_end(&line);
	});

	assert_string_equal(text, "0123456789\n012345678…\n漢字漢字…\na\xef\xbf\xbd[2J"
				  "\xef\xbf\xbd"
				  "b\n\n");
	free(text);
}

static void colour_is_for_terminals_without_no_color(void **state)
{
	(void)state;
	int master, terminal, pipe_ends[2];
	struct winsize size = {.ws_row = 24, .ws_col = 100};

	if (openpty(&master, &terminal, NULL, NULL, &size) != 0) {
		print_message("skipped: no pseudo terminal here: %s\n", strerror(errno));
		skip();
	}
	assert_int_equal(pipe(pipe_ends), 0);
	setenv("TERM", "xterm", 1);
	unsetenv("NO_COLOR");
	assert_true(text_style_of(terminal).has_colour);
	assert_int_equal(text_style_of(terminal).width, 100);
	assert_false(text_style_of(pipe_ends[1]).has_colour);
	assert_int_equal(text_style_of(pipe_ends[1]).width, 80);
	setenv("NO_COLOR", "1", 1);
	assert_false(text_style_of(terminal).has_colour);
	setenv("NO_COLOR", "", 1);
	assert_true(text_style_of(terminal).has_colour);
	setenv("TERM", "dumb", 1);
	assert_false(text_style_of(terminal).has_colour);
	size.ws_col = 500;
	ioctl(master, TIOCSWINSZ, &size);
	assert_int_equal(text_style_of(terminal).width, TEXT_WIDTH_MAX);
	size.ws_col = 5;
	ioctl(master, TIOCSWINSZ, &size);
	assert_int_equal(text_style_of(terminal).width, TEXT_WIDTH_MIN);
	close(master);
	close(terminal);
	close(pipe_ends[0]);
	close(pipe_ends[1]);
}

static void utf8_is_for_utf8_locales(void **state)
{
	(void)state;
	setenv("LC_ALL", "C.UTF-8", 1);
	assert_true(text_style_of(1).is_utf8);
	setenv("LC_ALL", "C", 1);
	assert_false(text_style_of(1).is_utf8);
	unsetenv("LC_ALL");
}

static void a_full_disk_is_an_error(void **state)
{
	(void)state;
	struct error error = {""};
	struct sink sink;

	assert_int_equal(sink_open(&sink, "/dev/full", &error), 0);
	for (int i = 0; i < 100000; i++)
		fputs("text ", sink.stream);
	assert_true(ferror(sink.stream));
	assert_int_equal(sink_close(&sink, &error), -ENOSPC);
	assert_non_null(strstr(error.text, "No space left on device"));
}

static void a_snapshot_file_is_not_overwritten(void **state)
{
	(void)state;
	char path[] = "/tmp/seep-test-XXXXXX";
	struct error error = {""};
	struct sink sink = {0};
	struct stat status;
	int fd = mkstemp(path);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, SEEP_FILE_MAGIC "the rest", 16), 16);
	assert_int_equal(sink_open(&sink, path, &error), -EEXIST);
	assert_non_null(strstr(error.text, "not overwritten"));
	assert_int_equal(fstat(fd, &status), 0);
	assert_int_equal(status.st_size, 16);
	/* Any other file is. */
	assert_int_equal(pwrite(fd, "X", 1, 0), 1);
	assert_int_equal(sink_open(&sink, path, &error), 0);
	fputs("new", sink.stream);
	assert_int_equal(sink_close(&sink, &error), 0);
	assert_int_equal(fstat(fd, &status), 0);
	assert_int_equal(status.st_size, 3);
	assert_int_equal(sink_open(&sink, "/nowhere/x", &error), -ENOENT);
	close(fd);
	unlink(path);
}

static void lists_snapshots(void **state)
{
	(void)state;
	struct text_style style = {.width = 80, .is_utf8 = true};
	struct sample *sample = sample_new(0, NULL);
	sample->profile.snapshot_count = 3;
	sample->snapshots[1].raw.rss_bytes = 0;
	sample->snapshots[2].reason = SEEP_REASON_REQUEST;
	sample->snapshots[2].label = "after the long night shift";
	char *text = SAMPLE_WRITTEN(stream, snapshot_list_write(stream, &style, &sample->profile));

	assert_string_equal(
		text,
		"#    time  why           live  blocks       rss  label\n"
		"1  100 ms  interval       0 B       0  31.0 MiB\n"
		"2   1.6 s  interval  97.7 KiB   1,000         ?\n"
		"3   3.1 s  request    195 KiB   2,000  31.0 MiB  after the long night shift\n");
	free(text);
	/* Without a label there is room for all columns. */
	sample->snapshots[2].label = "";
	text = SAMPLE_WRITTEN(stream, snapshot_list_write(stream, &style, &sample->profile));
	assert_string_equal(
		text,
		"#    time  why           live     change  blocks  allocations       rss  label\n"
		"1  100 ms  interval       0 B        0 B       0            0  31.0 MiB\n"
		"2   1.6 s  interval  97.7 KiB  +97.7 KiB   1,000       30,000         ?\n"
		"3   3.1 s  request    195 KiB  +97.7 KiB   2,000       60,000  31.0 MiB\n");
	free(text);
	/* What the allocators hold, where that is known and there is room. */
	sample->snapshots[2].raw.heap_resident_bytes = 28 << 20;
	text = SAMPLE_WRITTEN(stream, snapshot_list_write(stream, &style, &sample->profile));
	assert_null(strstr(text, "heap"));
	free(text);
	struct text_style wide = {.width = 100};
	text = SAMPLE_WRITTEN(stream, snapshot_list_write(stream, &wide, &sample->profile));
	assert_non_null(strstr(text, "allocations      heap       rss  label\n"));
	assert_non_null(strstr(text, "       30,000         ?         ?\n"));
	assert_non_null(strstr(text, "       60,000  28.0 MiB  31.0 MiB\n"));
	free(text);
	sample->profile.sample_bytes = 512 << 10;
	text = SAMPLE_WRITTEN(stream, snapshot_list_write(stream, &style, &sample->profile));
	assert_non_null(strstr(text, "\nEstimates, from one block in 512 KiB allocated.\n"));
	free(text);
	sample->profile.snapshot_count = 0;
	text = SAMPLE_WRITTEN(stream, snapshot_list_write(stream, &style, &sample->profile));
	assert_string_equal(text, "There is no snapshot in the file.\n");
	free(text);
	free(sample);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sizes_have_three_digits),
		cmocka_unit_test(counts_have_separators),
		cmocka_unit_test(rates_share_the_unit_of_their_interval),
		cmocka_unit_test(durations_roll_over_at_the_right_moment),
		cmocka_unit_test(confidence_is_never_certainty),
		cmocka_unit_test(names_are_shortened_where_it_hurts_least),
		cmocka_unit_test(a_monstrous_name_takes_no_time),
		cmocka_unit_test(curves_follow_time_not_snapshots),
		cmocka_unit_test(bad_utf8_is_replaced_byte_by_byte),
		cmocka_unit_test(lines_are_cut_and_made_harmless),
		cmocka_unit_test(colour_is_for_terminals_without_no_color),
		cmocka_unit_test(utf8_is_for_utf8_locales),
		cmocka_unit_test(a_full_disk_is_an_error),
		cmocka_unit_test(a_snapshot_file_is_not_overwritten),
		cmocka_unit_test(lists_snapshots),
	};

	return cmocka_run_group_tests_name("output_parts", tests, NULL, NULL);
}
