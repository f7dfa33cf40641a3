/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sample_sums: what all samples of this process stand for.
 *
 * Samples are rare, so all threads add to the same sums.
 *
 *   Runs in   the target, at each sampled block and its free; whoever takes a snapshot
 *   Locks     none; atomic additions
 *   Memory    region: a page, and 1 MiB of address space for each 65536 stacks; wiped on fork
 *   Calls     mmap, munmap
 *   Failure   the allocations of new stacks are missing from their sites, not from the totals
 */
#include "lib/record/sample_sums.h"

#include <stddef.h>

#include "lib/base/region.h"

#include "lib/base/poison.h"

#define CHUNK 65536u
#define CHUNKS (CALL_TREE_NODES_MAX / CHUNK)

static struct sample_sums *sums;
static struct sample_weight *chunks[CHUNKS]; /* by stack */

bool sample_sums_start(void)
{
	sums = region_map(4096, REGION_WIPED_ON_FORK);
	return sums != NULL;
}

static struct sample_weight *weight_at(uint32_t stack)
{
	struct sample_weight **chunk = &chunks[stack / CHUNK], *none = NULL, *mapped;

	if (__atomic_load_n(chunk, __ATOMIC_ACQUIRE) == NULL) {
		mapped = region_map(CHUNK * sizeof(*mapped), REGION_WIPED_ON_FORK);
		if (mapped == NULL)
			return NULL;
		if (!__atomic_compare_exchange_n(chunk, &none, mapped, false, __ATOMIC_ACQ_REL,
						 __ATOMIC_ACQUIRE))
			region_unmap(mapped, CHUNK * sizeof(*mapped));
	}
	return &__atomic_load_n(chunk, __ATOMIC_ACQUIRE)[stack % CHUNK];
}

static void add(struct sample_weight *sum, struct sample_weight weight)
{
	__atomic_fetch_add(&sum->blocks, weight.blocks, __ATOMIC_RELAXED);
	__atomic_fetch_add(&sum->bytes, weight.bytes, __ATOMIC_RELAXED);
}

static struct sample_weight load(const struct sample_weight *sum)
{
	return (struct sample_weight){__atomic_load_n(&sum->blocks, __ATOMIC_RELAXED),
				      __atomic_load_n(&sum->bytes, __ATOMIC_RELAXED)};
}

void sample_sums_add(uint32_t stack, struct sample_weight weight)
{
	struct sample_weight *of_stack = weight_at(stack);

	add(&sums->allocated, weight);
	if (of_stack != NULL)
		add(of_stack, weight);
}

void sample_sums_remove(struct sample_weight weight, bool is_inherited)
{
	add(is_inherited ? &sums->inherited_freed : &sums->freed, weight);
}

struct sample_sums sample_sums_read(void)
{
	struct sample_sums result = {0};

	if (sums == NULL)
		return result;
	/* Frees first: whoever was freed has been allocated. */
	result.inherited_freed = load(&sums->inherited_freed);
	result.freed = load(&sums->freed);
	atomic_thread_fence(memory_order_acquire);
	result.allocated = load(&sums->allocated);
	return result;
}

void sample_sums_by_stack(struct site_counters *sums_by_stack, uint32_t count)
{
	for (uint32_t first = 0; first < count; first += CHUNK) {
		const struct sample_weight *chunk =
			__atomic_load_n(&chunks[first / CHUNK], __ATOMIC_ACQUIRE);

		for (uint32_t i = 0; chunk != NULL && i < CHUNK && first + i < count; i++) {
			struct sample_weight weight = load(&chunk[i]);

			sums_by_stack[first + i].allocations += weight.blocks;
			sums_by_stack[first + i].allocated_bytes += weight.bytes;
		}
	}
}
