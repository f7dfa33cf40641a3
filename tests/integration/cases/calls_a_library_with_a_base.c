/* SPDX-License-Identifier: Apache-2.0 */
/*
 * calls_a_library_with_a_base: stacks through a prelinked library are whole and have names.
 *
 * The test is in test_modules.py.
 */
void *give(void);
void take(void *block);

void *blocks[30];

int main(void)
{
	for (int i = 0; i < 30; i++)
		blocks[i] = give();
	for (int i = 0; i < 12; i++)
		take(blocks[i]);
	return 0;
}
