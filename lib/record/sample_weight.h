/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sample_weight: what a sampled block stands for, and how far it is to the next one.
 *
 * Sampling puts points onto the bytes that a program allocates, at random distances whose mean is
 * MEAN bytes: a Poisson process. A block is sampled when a point falls on it, so a larger one more
 * often; its length is one byte more than was asked for, that malloc(0) may be met too. One of
 * length L is sampled with the probability p = 1 - exp(-L/MEAN), and stands for 1/p blocks of its
 * size (Horvitz and Thompson, "A Generalization of Sampling Without Replacement From a Finite
 * Universe", 1952). That must be done block by block, before anything is added up: see
 * PROFILING_INTERNALS.md of jemalloc for what comes out otherwise.
 *
 * In whole numbers only: a program may have asked for a signal where floating point rounds.
 */
#ifndef LIB_RECORD_SAMPLE_WEIGHT_H
#define LIB_RECORD_SAMPLE_WEIGHT_H

#include <stdint.h>

#define SAMPLE_MEAN_MAX (1ull << 30)

/* Sums of blocks are in 2^-16 of a block, sums of bytes in 2^-8 of a byte: room for 2^48 blocks and
 * 2^56 bytes. They are rounded once, when they are written. */
#define SAMPLE_BLOCK_BITS 16
#define SAMPLE_BYTE_BITS 8
#define SAMPLE_ONE_BLOCK (1ull << SAMPLE_BLOCK_BITS)

/* What one block stands for. */
struct sample_weight {
	uint64_t blocks; /* in 2^-SAMPLE_BLOCK_BITS */
	uint64_t bytes;	 /* in 2^-SAMPLE_BYTE_BITS */
};

/* The length that a block of `bytes` bytes has on the line of all bytes. */
static inline uint64_t sample_length(uint64_t bytes)
{
	return bytes + 1;
}

/* `mean` is 1 to SAMPLE_MEAN_MAX. Off by 2^-30 of itself and half of the last bit. */
struct sample_weight sample_weight_of(uint64_t bytes, uint64_t mean);

/* The probability that a block is sampled, in 2^-63; off by 2^-31 of itself at most. */
uint64_t sample_probability(uint64_t length, uint64_t mean);

/* -log2(draw / 2^64) in 2^-32, for a draw that is not 0; off by 2^-31 at most. */
uint64_t sample_minus_log2(uint64_t draw);

/* A distance to the next point, rounded down, made of 64 random bits. */
uint64_t sample_distance(uint64_t draw, uint64_t mean);

static inline uint64_t sample_round(uint64_t sum, unsigned bits)
{
	return (sum >> bits) + (sum >> (bits - 1) & 1);
}

#endif
