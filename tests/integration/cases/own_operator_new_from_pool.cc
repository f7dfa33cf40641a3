/* SPDX-License-Identifier: Apache-2.0 */
/*
 * own_operator_new_from_pool: operator new comes from a library and does not end in malloc, so
 * seep must follow the operators themselves, and must not hand the pool's blocks to free.
 *
 * build: -O0
 * library: pool_operator_new.cc
 * site make: live_blocks=2 live_bytes=200 allocations=3 frees=1
 */
struct record {
	char bytes[100];
};

__attribute__((noinline)) record *make()
{
	return new record();
}

record *volatile kept[2];

int main()
{
	for (int i = 0; i < 3; i++) {
		delete kept[0];
		kept[0] = kept[1];
		kept[1] = make();
	}
	return 0;
}
