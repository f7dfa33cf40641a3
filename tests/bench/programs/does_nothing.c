/* SPDX-License-Identifier: Apache-2.0 */
/*
 * does_nothing: starts and ends; what a process costs before its first line and after its last.
 */

int main(void)
{
	return 0;
}
