/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pace: does what is added come ever slower?
 *
 * Amounts by period are fitted with exp(level - decline * x) * clock, where `clock` is how far a
 * clock (time, or work done) went in each period and x, 0 to 1, how far it has come by the middle of
 * it. The fit is that of a log-linear Poisson model; its mean position of the additions is that of
 * the amounts. The dispersion (Pearson's chi-square over the degrees of freedom) takes bursts into
 * account: P. McCullagh and J. A. Nelder, "Generalized Linear Models" (1989), chapter 9,
 * quasi-likelihood.
 */
#ifndef SEEP_MODEL_PACE_H
#define SEEP_MODEL_PACE_H

#include <stdbool.h>
#include <stddef.h>

struct pace {
	double decline;	   /* 0: as fast as ever; 1: at the end 1/e of what it was; < 0: faster */
	double error;	   /* its standard error; INFINITY without enough amounts */
	double dispersion; /* 1: as even as chance; less is evener, more comes in bursts */
};

struct pace pace_fit(const double *amounts, const double *clock, size_t count);

/* It declines by less than that, as surely as `z`, a normal deviate, says. */
bool pace_is_below(struct pace pace, double decline, double z);

#endif
