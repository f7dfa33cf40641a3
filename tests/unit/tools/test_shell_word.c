/* SPDX-License-Identifier: Apache-2.0 */
/* test_shell_word: what a shell makes of the word is the text, and a terminal shows it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/output/shell_word.h"
#include "tools/output/utf8.h"

static char word[SHELL_WORD_BYTES];

static void quotes_only_where_it_must(void **state)
{
	(void)state;
	assert_string_equal(shell_word("--name=a/b-1.2%,@", word), "--name=a/b-1.2%,@");
	assert_string_equal(shell_word("", word), "''");
	assert_string_equal(shell_word("=ls", word), "'=ls'");
	assert_string_equal(shell_word("night shift", word), "'night shift'");
	assert_string_equal(shell_word("it's", word), "'it'\\''s'");
	assert_string_equal(shell_word("b\xc3\xa4r", word), "'b\xc3\xa4r'");
	assert_string_equal(shell_word("a\033[31m'\\\n", word), "$'a\\x1b[31m\\'\\\\\\x0a'");
	assert_string_equal(shell_word("\xff\xc3\xa4", word), "$'\\xff\xc3\xa4'");
	assert_string_equal(shell_word("\xe2\x80\xae", word), "$'\\xe2\\x80\\xae'");
}

/* What bash prints when it is given the word. */
static void is_read_back_by_a_shell(void **state)
{
	static const char *const texts[] = {
		"a b",	  "$HOME `ls` \"x\"", "it's a\\n",	  "x\x1b[31m\ny\x9bz",
		"'\x01'", "\xef\xbf\xbd\xff", "*?[a]~#;&|<>(){}!"};

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		char command[512], got[256] = "";
		snprintf(command, sizeof(command), "printf %%s %s", shell_word(texts[i], word));
		for (const char *c = word; *c;)
			assert_false(utf8_is_unsafe(utf8_next(&c)));
		setenv("COMMAND", command, 1);
		FILE *shell = popen("bash -c \"$COMMAND\"", "r");
		assert_non_null(shell);
		got[fread(got, 1, sizeof(got) - 1, shell)] = '\0';
		assert_int_equal(pclose(shell), 0);
		assert_string_equal(got, texts[i]);
	}
}

/* Cut, but never beyond its room, and closed. */
static void a_text_without_end_has_room(void **state)
{
	static char text[5 * PATH_MAX];

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		memset(text, "'\x01 "[i], sizeof(text) - 1);
		shell_word(text, word);
		assert_true(strlen(word) < SHELL_WORD_BYTES);
		assert_int_equal(word[strlen(word) - 1], '\'');
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(quotes_only_where_it_must),
		cmocka_unit_test(is_read_back_by_a_shell),
		cmocka_unit_test(a_text_without_end_has_room),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
