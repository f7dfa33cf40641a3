/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sample_weight: what a sampled block stands for, and how far it is to the next one.
 *
 *   Runs in   the target, at each sampled block; whoever takes a snapshot
 *   Locks     none
 *   Memory    none
 *   Calls     nothing
 *   Failure   none
 */
#include "lib/record/sample_weight.h"

#include "lib/base/poison.h"

typedef unsigned __int128 wide;

/* From here on exp(-L/MEAN) is less than the last bit of a weight. */
#define CERTAIN_MEANS 44u
#define SMALL_BITS 8	     /* where the series is used, L/MEAN is below 2^-8 */
#define LN2_32 2977044472ull /* ln(2) * 2^32 */

uint64_t sample_probability(uint64_t length, uint64_t mean)
{
	unsigned halvings = 0;
	uint64_t x, p, term;

	if (length / CERTAIN_MEANS >= mean)
		return 1ull << 63;
	/* x = length / mean in 2^-64, halved until it is small. */
	while ((wide)length << SMALL_BITS >= (wide)mean << halvings)
		halvings++;
	x = (uint64_t)(((wide)length << (64 - halvings)) / mean);
	/* 1 - exp(-x) = x - x^2/2 + x^3/6 - …: the first term that is left out is x^7/5040, below
	 * 2^-60 of x. */
	p = term = x;
	for (unsigned n = 2; n <= 6; n++) {
		term = (uint64_t)((wide)term * x >> 64) / n;
		p = n % 2 == 0 ? p - term : p + term;
	}
	/* 1 - exp(-2x) = p (2 - p). */
	for (p >>= 1; halvings > 0; halvings--)
		p = (uint64_t)((wide)p * ((1ull << 63) - (p >> 1)) >> 62);
	return p < 1ull << 63 ? p : 1ull << 63;
}

struct sample_weight sample_weight_of(uint64_t bytes, uint64_t mean)
{
	uint64_t p = sample_probability(sample_length(bytes), mean);
	struct sample_weight weight = {SAMPLE_ONE_BLOCK, bytes << SAMPLE_BYTE_BITS};

	if (p < 1ull << 63) {
		weight.blocks = (uint64_t)((((wide)1 << (63 + SAMPLE_BLOCK_BITS)) + p / 2) / p);
		weight.bytes = (uint64_t)((((wide)bytes << (63 + SAMPLE_BYTE_BITS)) + p / 2) / p);
	}
	return weight;
}

uint64_t sample_minus_log2(uint64_t draw)
{
	uint64_t zeros = (uint64_t)__builtin_clzll(draw);
	uint64_t mantissa = draw << zeros, fraction = 0; /* 1 to 2, in 2^-63 */

	/* Squaring a number doubles its logarithm: bit by bit what stands behind the point. */
	for (int bit = 0; bit < 32; bit++) {
		wide square = (wide)mantissa * mantissa;
		unsigned is_two = (unsigned)(square >> 127);

		fraction = fraction << 1 | is_two;
		mantissa = (uint64_t)(square >> (63 + is_two));
	}
	return ((zeros + 1) << 32) - fraction;
}

uint64_t sample_distance(uint64_t draw, uint64_t mean)
{
	wide nats = (wide)sample_minus_log2(draw | (draw == 0)) * LN2_32 >> 32;

	return (uint64_t)(nats * mean >> 32);
}
