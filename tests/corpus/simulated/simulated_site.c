/* SPDX-License-Identifier: Apache-2.0 */
/*
 * simulated_site: the rules of the classes.
 *
 * Every rule draws its parameters anew for each site: rates over two or three decades, lives and
 * moments as a share of the run, sizes of bases. A healthy rule has done within the run what makes
 * it healthy: the cache was full, the table slowed down, the day came round. Otherwise nobody could
 * tell it from a leak, and it would say nothing about the verdict.
 */
#include "tests/corpus/simulated/simulated_site.h"

#include <math.h>
#include <string.h>

#define AUTOMATIC_SHARE 16 /* a period is this part of the run so far */

typedef void simulated_rule(struct simulated_site *site);

static double uniform(struct simulated_site *site, double low, double high)
{
	return random_uniform(&site->random, low, high);
}

static double scale(struct simulated_site *site, double low, double high)
{
	return random_scale(&site->random, low, high);
}

static bool chance(struct simulated_site *site, double share)
{
	return uniform(site, 0, 1) < share;
}

static double horizon(const struct simulated_site *site)
{
	return site->end[site->periods - 1];
}

/* What is asked of the site in period b. */
static double demand(const struct simulated_site *site, size_t b)
{
	return site->rate * site->load[b] * site->length[b];
}

static uint64_t drawn(struct simulated_site *site, double mean)
{
	return random_poisson(&site->random, mean);
}

/* ---- births and deaths ---- */

static void add_immortals(struct simulated_site *site, size_t b, uint64_t count)
{
	site->births[b] += count;
	for (size_t t = b; t < site->periods; t++)
		site->blocks[t][b] += count;
}

enum lives { EXPONENTIAL, LOGNORMAL, PARETO };

/* The share that lives longer than `age`. */
static double share_older(enum lives lives, double typical, double spread, double age)
{
	switch (lives) {
	case EXPONENTIAL:
		return exp(-age / typical);
	case LOGNORMAL:
		return age <= 0 ? 1 : 0.5 * erfc(log(age / typical) / spread / sqrt(2));
	case PARETO:
	default:
		return age <= typical ? 1 : pow(age / typical, -spread);
	}
}

static void add_mortals(struct simulated_site *site, size_t b, uint64_t count, enum lives lives,
			double typical, double spread)
{
	double before = 1;
	uint64_t left = count;
	site->births[b] += count;
	for (size_t t = b; t < site->periods && left; t++) {
		double age = site->end[t] - site->end[b] + site->length[b] / 2;
		double now = share_older(lives, typical, spread, age);
		left = random_binomial(&site->random, left, before > 0 ? now / before : 0);
		before = now;
		site->blocks[t][b] += left;
	}
}

static uint64_t live_at(const struct simulated_site *site, size_t t)
{
	uint64_t live = 0;
	for (size_t b = 0; b <= t; b++)
		live += site->blocks[t][b];
	return live;
}

/* What a period begins with, where deaths are decided period by period. */
static void carry_over(struct simulated_site *site, size_t t)
{
	for (size_t b = 0; t && b < t; b++)
		site->blocks[t][b] = site->blocks[t - 1][b];
}

static void bear(struct simulated_site *site, size_t t, uint64_t count)
{
	site->blocks[t][t] += count;
	site->births[t] += count;
}

/* Evicts down to `most` blocks: this share of them the oldest, the rest at random. */
static void evict(struct simulated_site *site, size_t t, double most, double oldest_share)
{
	uint64_t live = live_at(site, t), surplus = live > most ? live - (uint64_t)most : 0;
	uint64_t at_random = surplus - random_binomial(&site->random, surplus, oldest_share);
	uint64_t left = live;
	for (size_t b = 0; b <= t && at_random && left; b++) {
		uint64_t here = site->blocks[t][b];
		uint64_t gone =
			random_binomial(&site->random, here, (double)at_random / (double)left);
		left -= here;
		if (gone > at_random)
			gone = at_random;
		site->blocks[t][b] -= gone;
		at_random -= gone;
		surplus -= gone;
	}
	for (size_t b = 0; b <= t && surplus; b++) {
		uint64_t gone = site->blocks[t][b] < surplus ? site->blocks[t][b] : surplus;
		site->blocks[t][b] -= gone;
		surplus -= gone;
	}
}

static void clear(struct simulated_site *site, size_t t)
{
	for (size_t b = 0; b < t; b++)
		site->blocks[t][b] = 0;
}

/* One buffer that is `bytes` long from period t on, always made anew when it changes. */
static void lengthen(struct simulated_site *site, size_t t, double bytes)
{
	uint64_t length = (uint64_t)bytes;
	if (t) {
		carry_over(site, t);
		memcpy(site->bytes[t], site->bytes[t - 1], sizeof(site->bytes[t]));
		for (size_t b = 0; b < t; b++) {
			if (site->bytes[t][b] == length)
				return;
			site->blocks[t][b] = site->bytes[t][b] = 0;
		}
	}
	site->births[t]++;
	site->blocks[t][t] = 1;
	site->bytes[t][t] = length;
}

/* A little ordinary traffic beside what the class is about. */
static void add_traffic(struct simulated_site *site, size_t b, double share, double life)
{
	add_mortals(site, b, drawn(site, demand(site, b) * share + site->length[b]), EXPONENTIAL,
		    life, 0);
}

/* ---- healthy ---- */

static void short_lives(struct simulated_site *site)
{
	for (size_t b = 0; b < site->periods; b++)
		add_traffic(site, b, scale(site, 1e-3, 1e-1), 0.5);
}

static void medium_lives(struct simulated_site *site)
{
	for (size_t b = 0; b < site->periods; b++)
		add_traffic(site, b, 0.05, 3);
}

static void long_sessions(struct simulated_site *site)
{
	for (size_t b = 0; b < site->periods; b++)
		add_mortals(site, b, drawn(site, demand(site, b) * 0.05 + site->length[b]),
			    LOGNORMAL, 6, 0.5);
}

static void warm_up_over(struct simulated_site *site, double fold)
{
	for (size_t b = 0; b < site->periods; b++)
		add_immortals(site, b,
			      (uint64_t)(site->rate * 0.5 * site->length[b] *
					 exp(-(site->end[b] - site->length[b]) / fold)));
}

static void warm_up(struct simulated_site *site)
{
	warm_up_over(site, 3);
}

static void slow_warm_up(struct simulated_site *site)
{
	warm_up_over(site, 9);
}

static void pool_in_steps(struct simulated_site *site)
{
	add_immortals(site, 0, (uint64_t)site->rate);
	add_immortals(site, 3, (uint64_t)site->rate);
	if (site->periods > 11)
		add_immortals(site, 11, (uint64_t)site->rate);
}

static void cache(struct simulated_site *site)
{
	for (size_t t = 0; t < site->periods; t++) {
		carry_over(site, t);
		bear(site, t, drawn(site, demand(site, t) * 0.15));
		evict(site, t, site->rate * 1.2, 0.7);
	}
}

static void sawtooth(struct simulated_site *site)
{
	for (size_t t = 0; t < site->periods; t++) {
		carry_over(site, t);
		if (t % 7 == 0)
			clear(site, t);
		bear(site, t, drawn(site, demand(site, t) * 0.2));
	}
}

/* Full after this part of the run. */
static void filling_cache(struct simulated_site *site)
{
	double full = uniform(site, 0.15, 0.85) * horizon(site) * site->rate;
	double oldest_share = uniform(site, 0, 1) < 0.5 ? 1 : uniform(site, 0, 1);
	for (size_t t = 0; t < site->periods; t++) {
		carry_over(site, t);
		bear(site, t, drawn(site, demand(site, t)));
		evict(site, t, full, oldest_share);
	}
}

/* Each period asks for names; a name that was never seen is kept. Names by Zipf's law, in groups
 * of neighbours; most of them will have been seen at the end of the run. */
static void interned_names(struct simulated_site *site)
{
	enum { GROUPS = 64 };
	double power = uniform(site, 0.6, 1.2), asked = 0;
	double names = fmax(20, site->rate * horizon(site) * uniform(site, 0.02, 0.15));
	double weights[GROUPS], sizes[GROUPS], sum = 0;
	for (int g = 0; g < GROUPS; g++) {
		double first = pow(names, (double)g / GROUPS), end = pow(names, (g + 1.0) / GROUPS);
		sizes[g] = end - first;
		weights[g] = pow((first + end) / 2, -power);
		sum += sizes[g] * weights[g];
	}
	bool has_traffic = chance(site, 0.5);
	for (size_t b = 0; b < site->periods; b++) {
		double more = demand(site, b), fresh = 0;
		for (int g = 0; g < GROUPS; g++) {
			double share = weights[g] / sum;
			fresh += sizes[g] * (exp(-share * asked) - exp(-share * (asked + more)));
		}
		asked += more;
		add_immortals(site, b, drawn(site, fresh));
		if (has_traffic) /* the copy that is looked up with */
			add_mortals(site, b, (uint64_t)more, EXPONENTIAL, 0.05, 0);
	}
}

static void expiring_cache(struct simulated_site *site)
{
	double age = uniform(site, 0.05, 0.4) * horizon(site);
	for (size_t b = 0; b < site->periods; b++)
		add_mortals(site, b, drawn(site, demand(site, b)), LOGNORMAL, age, 0.02);
}

static void daily_traffic(struct simulated_site *site)
{
	double day = horizon(site) * uniform(site, 0.15, 0.4), phase = uniform(site, 0, 2 * M_PI);
	double life = day * uniform(site, 0.05, 0.2), swing = uniform(site, 0.6, 1);
	for (size_t b = 0; b < site->periods; b++) {
		double load = 1 + swing * sin(2 * M_PI * site->end[b] / day + phase);
		site->load[b] *= load;
		add_mortals(site, b, drawn(site, demand(site, b)), EXPONENTIAL, life, 0);
	}
}

/* Objects go back to the pool and are never freed. */
static void high_water_pool(struct simulated_site *site)
{
	double noise = uniform(site, 0.1, 0.5), most = 0, state = 0;
	for (size_t b = 0; b < site->periods; b++) {
		state = 0.5 * state + noise * random_normal(&site->random);
		double used = floor(site->rate * (1 + 0.3 * (site->load[b] - 1)) * exp(state));
		if (used > most) {
			add_immortals(site, b, (uint64_t)(used - most));
			most = used;
		}
	}
}

static void staircase_table(struct simulated_site *site)
{
	double full = uniform(site, 0.1, 0.55) * horizon(site), bytes = 1024;
	double per_time = scale(site, 10, 1e5);
	for (size_t t = 0; t < site->periods; t++) {
		while (bytes < per_time * fmin(site->end[t], full))
			bytes *= 2;
		lengthen(site, t, bytes);
	}
}

static void high_water_buffer(struct simulated_site *site)
{
	double spread = uniform(site, 0.2, 1.5), most = 64;
	for (size_t t = 0; t < site->periods; t++) {
		for (uint64_t i = drawn(site, fmin(demand(site, t), 30)); i; i--)
			most = fmax(most, 1000 * exp(spread * random_normal(&site->random)));
		lengthen(site, t, most);
	}
}

static void very_long_sessions(struct simulated_site *site)
{
	enum lives lives = chance(site, 0.5) ? LOGNORMAL : EXPONENTIAL;
	double life = horizon(site) * uniform(site, 0.08, 0.2), spread = uniform(site, 0.3, 0.7);
	for (size_t b = 0; b < site->periods; b++)
		add_mortals(site, b, drawn(site, demand(site, b)), lives, life, spread);
}

static void load_step_sessions(struct simulated_site *site)
{
	double moment = uniform(site, 0.2, 0.8) * horizon(site), to = scale(site, 0.25, 6);
	double life = scale(site, 0.3, 5);
	for (size_t b = 0; b < site->periods; b++) {
		if (site->end[b] > moment)
			site->load[b] *= to;
		add_mortals(site, b, drawn(site, demand(site, b)), EXPONENTIAL, life, 0);
	}
}

static void long_sawtooth(struct simulated_site *site)
{
	double length = horizon(site) * uniform(site, 0.12, 0.4);
	double spread = chance(site, 0.5) ? 0 : 0.3;
	double next = uniform(site, 0.3, 1) * length;
	for (size_t t = 0; t < site->periods; t++) {
		carry_over(site, t);
		if (site->end[t] >= next) {
			clear(site, t);
			next = site->end[t] + length * exp(spread * random_normal(&site->random));
		}
		bear(site, t, drawn(site, demand(site, t)));
	}
}

static void arena_growth(struct simulated_site *site)
{
	double suffices = uniform(site, 0.1, 0.5) * horizon(site);
	double per_time = scale(site, 0.1, 3);
	site->block_bytes = scale(site, 4096, 1 << 20);
	for (size_t b = 0; b < site->periods; b++)
		if (site->end[b] <= suffices || b == 0)
			add_immortals(site, b, drawn(site, per_time * site->length[b]));
}

/* One server, first come, first served: a reflected random walk. */
static void backlog(struct simulated_site *site)
{
	double used = uniform(site, 0.8, 0.97);
	for (size_t t = 0; t < site->periods; t++) {
		carry_over(site, t);
		bear(site, t, drawn(site, demand(site, t)));
		uint64_t served = drawn(site, site->rate * site->length[t] / used);
		uint64_t live = live_at(site, t);
		evict(site, t, live > served ? (double)(live - served) : 0, 1);
	}
}

static void lazy_parts(struct simulated_site *site)
{
	unsigned parts = (unsigned)uniform(site, 2, 12);
	double until = uniform(site, 0.1, 0.5) * horizon(site);
	for (unsigned i = 0; i < parts; i++) {
		double moment = uniform(site, 0, until);
		size_t b = 0;
		while (site->end[b] < moment)
			b++;
		add_immortals(site, b, (uint64_t)scale(site, 1, site->rate));
	}
	if (chance(site, 0.5))
		for (size_t b = 0; b < site->periods; b++)
			add_traffic(site, b, 0.02, 1);
}

static void busy_warm_up(struct simulated_site *site)
{
	double fold = horizon(site) * uniform(site, 0.05, 0.22), life = scale(site, 0.1, 3);
	for (size_t b = 0; b < site->periods; b++) {
		double start = site->end[b] - site->length[b];
		add_immortals(site, b, drawn(site, demand(site, b) * 0.1 * exp(-start / fold)));
		add_mortals(site, b, drawn(site, demand(site, b)), EXPONENTIAL, life, 0);
	}
}

static void heavy_tail(struct simulated_site *site)
{
	double least = scale(site, 0.05, 0.5), power = uniform(site, 1.2, 2.5);
	for (size_t b = 0; b < site->periods; b++)
		add_mortals(site, b, drawn(site, demand(site, b)), PARETO, least, power);
}

/* ---- leaking ---- */

static void linear_leak(struct simulated_site *site)
{
	double share = scale(site, 1e-3, 1e-1);
	for (size_t b = 0; b < site->periods; b++) {
		add_immortals(site, b, drawn(site, fmax(site->length[b], demand(site, b) * share)));
		add_traffic(site, b, 0.02, 0.7);
	}
}

static void slow_leak(struct simulated_site *site)
{
	for (size_t b = 0; b < site->periods; b++) {
		add_immortals(site, b, drawn(site, 0.8 * site->length[b]));
		add_traffic(site, b, 0.02, 1);
	}
}

static void late_leak(struct simulated_site *site)
{
	double moment = horizon(site) * uniform(site, 0.3, 0.55);
	for (size_t b = 0; b < site->periods; b++) {
		if (site->end[b] > moment)
			add_immortals(site, b,
				      drawn(site, (site->rate * 0.01 + 1) * site->length[b]));
		add_traffic(site, b, 0.02, 1);
	}
}

static void burst_leak(struct simulated_site *site)
{
	for (size_t b = 0; b < site->periods; b++) {
		if (chance(site, 0.35))
			add_immortals(site, b,
				      drawn(site, (site->rate * 0.05 + 3) * site->length[b]));
		add_traffic(site, b, 0.02, 1);
	}
}

static void leak_among_sessions(struct simulated_site *site)
{
	for (size_t b = 0; b < site->periods; b++) {
		add_immortals(site, b, drawn(site, (site->rate * 0.005 + 1) * site->length[b]));
		add_mortals(site, b, drawn(site, demand(site, b) * 0.05 + site->length[b]),
			    LOGNORMAL, 5, 0.5);
	}
}

static void leak_in_busy_site(struct simulated_site *site)
{
	double life = scale(site, 0.05, 1.5);
	double share = fmax(scale(site, 1e-5, 1e-2), 1.5 / (site->rate *= 30));
	for (size_t b = 0; b < site->periods; b++) {
		add_immortals(site, b, drawn(site, demand(site, b) * share));
		add_mortals(site, b, drawn(site, demand(site, b)), EXPONENTIAL, life, 0);
	}
}

static void leak_in_full_site(struct simulated_site *site)
{
	double base = scale(site, 1e3, 1e6), leak = scale(site, 1.5, 50);
	for (size_t b = 0; b < site->periods; b++) {
		if (b < 3)
			add_immortals(site, b, (uint64_t)(base / 3));
		add_immortals(site, b, drawn(site, leak * site->load[b] * site->length[b]));
		add_traffic(site, b, 1, 0.5);
	}
}

static void leak_in_cache(struct simulated_site *site)
{
	double full = uniform(site, 0.05, 0.25) * horizon(site) * site->rate;
	double share = fmax(scale(site, 3e-3, 0.1), 1.5 / site->rate);
	uint64_t leaked[SIMULATED_MAX_PERIODS];
	for (size_t t = 0; t < site->periods; t++) {
		carry_over(site, t);
		bear(site, t, drawn(site, demand(site, t)));
		evict(site, t, full, 1);
		leaked[t] = drawn(site, demand(site, t) * share);
	}
	for (size_t b = 0; b < site->periods; b++)
		add_immortals(site, b, leaked[b]);
}

static void leak_in_long_sessions(struct simulated_site *site)
{
	double life = horizon(site) * uniform(site, 0.08, 0.16), spread = uniform(site, 0.3, 0.6);
	double share = fmax(scale(site, 0.02, 0.3), 2 / site->rate);
	for (size_t b = 0; b < site->periods; b++) {
		add_immortals(site, b, drawn(site, demand(site, b) * share));
		add_mortals(site, b, drawn(site, demand(site, b)), LOGNORMAL, life, spread);
	}
}

static void leak_by_load(struct simulated_site *site)
{
	double share = fmax(scale(site, 1e-3, 1), 1.5 / site->rate);
	double moment = uniform(site, 0.3, 0.8) * horizon(site), to = scale(site, 0.3, 5);
	for (size_t b = 0; b < site->periods; b++) {
		if (site->end[b] > moment)
			site->load[b] *= to;
		add_immortals(site, b, drawn(site, demand(site, b) * share));
		add_traffic(site, b, 1, 0.5);
	}
}

static void lengthening_buffer(struct simulated_site *site)
{
	double bytes = scale(site, 64, 1e5), per_time = scale(site, 16, 1e5);
	for (size_t t = 0; t < site->periods; t++)
		lengthen(site, t,
			 bytes += ceil(per_time * site->length[t] * site->load[t] *
				       random_exponential(&site->random, 1)));
}

static void appended_buffers(struct simulated_site *site)
{
	double bytes = scale(site, 64, 1e4), chunk = scale(site, 256, 1e5);
	double share = uniform(site, 0.3, 0.7);
	for (size_t t = 0; t < site->periods; t++)
		lengthen(site, t, bytes += chunk * site->length[t] * (double)chance(site, share));
}

static void endless_cache(struct simulated_site *site)
{
	for (size_t b = 0; b < site->periods; b++)
		add_immortals(site, b, drawn(site, demand(site, b)));
}

static void rare_leak(struct simulated_site *site)
{
	double often = uniform(site, 0.15, 0.3), many = scale(site, 1, 100);
	for (size_t b = 0; b < site->periods; b++) {
		uint64_t events = drawn(site, often * site->length[b]);
		add_immortals(site, b, events * (uint64_t)ceil(many * uniform(site, 0.5, 1)));
		add_traffic(site, b, 0.1, 0.5);
	}
}

static void quickening_leak(struct simulated_site *site)
{
	double share = fmax(scale(site, 1e-3, 0.3), 3 / site->rate);
	for (size_t b = 0; b < site->periods; b++) {
		double grown = 0.2 + 1.8 * site->end[b] / horizon(site);
		add_immortals(site, b, drawn(site, demand(site, b) * share * grown));
		add_traffic(site, b, 0.5, 0.5);
	}
}

static void leak_in_sawtooth(struct simulated_site *site)
{
	double length = horizon(site) * uniform(site, 0.08, 0.25), next = length;
	double share = fmax(scale(site, 5e-3, 0.2), 2 / site->rate);
	uint64_t leaked[SIMULATED_MAX_PERIODS];
	for (size_t t = 0; t < site->periods; t++) {
		carry_over(site, t);
		if (site->end[t] >= next) {
			clear(site, t);
			next += length;
		}
		bear(site, t, drawn(site, demand(site, t)));
		leaked[t] = drawn(site, demand(site, t) * share);
	}
	for (size_t b = 0; b < site->periods; b++)
		add_immortals(site, b, leaked[b]);
}

static void leak_going_idle(struct simulated_site *site)
{
	double share = fmax(scale(site, 1e-2, 1), 6 / site->rate), fall = uniform(site, 0.7, 2);
	for (size_t b = 0; b < site->periods; b++) {
		site->load[b] *= exp(-fall * site->end[b] / horizon(site));
		add_immortals(site, b, drawn(site, demand(site, b) * share));
		add_traffic(site, b, 1, 0.3);
	}
}

static void leak_by_day(struct simulated_site *site)
{
	double day = horizon(site) * uniform(site, 0.1, 0.3), phase = uniform(site, 0, 2 * M_PI);
	double share = fmax(scale(site, 1e-2, 0.3), 4 / site->rate);
	for (size_t b = 0; b < site->periods; b++) {
		site->load[b] *= fmax(0, sin(2 * M_PI * site->end[b] / day + phase));
		add_immortals(site, b, drawn(site, demand(site, b) * share));
		add_traffic(site, b, 1, 0.5);
	}
}

static void leak_after_start(struct simulated_site *site)
{
	double fold = horizon(site) * uniform(site, 0.01, 0.04), base = scale(site, 1, 100);
	double leak = scale(site, 1.5, 100);
	for (size_t b = 0; b < site->periods; b++) {
		double start = site->end[b] - site->length[b];
		double early = base * exp(-start / fold);
		add_immortals(site, b, drawn(site, leak * site->length[b] * (1 + early)));
		add_traffic(site, b, 0.1, 1);
	}
}

/* What grows in it grows evenly, the vector itself ever more seldom. */
static void doubling_vector(struct simulated_site *site)
{
	double bytes = scale(site, 16, 256), per_time = scale(site, 1e3, 1e6);
	double factor = chance(site, 0.5) ? 2 : 1.5;
	for (size_t t = 0; t < site->periods; t++) {
		while (bytes < per_time * site->end[t])
			bytes = floor(bytes * factor);
		lengthen(site, t, bytes);
	}
}

/* ---- written after the verdict had its constants ---- */

static void ramp_sessions(struct simulated_site *site)
{
	double life = scale(site, 0.3, 5);
	for (size_t b = 0; b < site->periods; b++) {
		site->load[b] *= 0.5 + site->end[b] / horizon(site);
		add_mortals(site, b, drawn(site, demand(site, b)), EXPONENTIAL, life, 0);
	}
}

static void reloaded_table(struct simulated_site *site)
{
	double every = horizon(site) * uniform(site, 0.04, 0.12),
	       next = every * uniform(site, 0, 1);
	double size = site->rate;
	for (size_t t = 0; t < site->periods; t++) {
		carry_over(site, t);
		if (t && site->end[t] < next)
			continue;
		if (t)
			next = site->end[t] + every;
		clear(site, t);
		bear(site, t, (uint64_t)(size *= exp(0.05 * random_normal(&site->random))));
	}
}

static void code_cache(struct simulated_site *site)
{
	double first = uniform(site, 0.01, 0.03) * horizon(site);
	for (size_t b = 0; b < site->periods; b++) {
		double start = site->end[b] - site->length[b];
		double fresh = log((site->end[b] + first) / (start + first));
		add_immortals(site, b, drawn(site, site->rate * 0.3 * fresh * site->load[b]));
		add_traffic(site, b, 0.2, 0.2);
	}
}

static void undo_history(struct simulated_site *site)
{
	double most = uniform(site, 0.05, 0.7) * horizon(site) * site->rate * 0.3;
	for (size_t t = 0; t < site->periods; t++) {
		carry_over(site, t);
		bear(site, t, drawn(site, demand(site, t) * 0.3));
		evict(site, t, most, 1);
	}
}

static void write_buffer(struct simulated_site *site)
{
	double most = site->rate * horizon(site) * uniform(site, 0.04, 0.25);
	for (size_t t = 0; t < site->periods; t++) {
		carry_over(site, t);
		bear(site, t, drawn(site, demand(site, t)));
		if ((double)live_at(site, t) > most) {
			clear(site, t);
			site->blocks[t][t] /= 2;
		}
	}
}

/* What is in use wanders around its mean; what goes is any. */
static void use_memory(struct simulated_site *site, double leaked_share)
{
	double state = 0, swing = uniform(site, 0.1, 0.5), back = uniform(site, 0.7, 0.95);
	uint64_t leaked[SIMULATED_MAX_PERIODS];
	for (size_t t = 0; t < site->periods; t++) {
		carry_over(site, t);
		state = back * state + swing * sqrt(1 - back * back) * random_normal(&site->random);
		double wanted = site->rate * 3 * exp(state);
		bear(site, t, drawn(site, demand(site, t) * 0.5));
		uint64_t live = live_at(site, t);
		if ((double)live < wanted)
			bear(site, t, (uint64_t)wanted - live);
		evict(site, t, wanted, 0);
		leaked[t] = leaked_share > 0 ? drawn(site, demand(site, t) * leaked_share) : 0;
	}
	for (size_t b = 0; b < site->periods; b++)
		add_immortals(site, b, leaked[b]);
}

static void memory_in_use(struct simulated_site *site)
{
	use_memory(site, 0);
}

static void timer_leak(struct simulated_site *site)
{
	double every = uniform(site, 0.5, 2.5), next = every;
	uint64_t many = (uint64_t)scale(site, 1, 30);
	for (size_t b = 0; b < site->periods; b++) {
		for (; next <= site->end[b]; next += every)
			add_immortals(site, b, many);
		add_traffic(site, b, 0.3, 0.5);
	}
}

static void leak_by_reload(struct simulated_site *site)
{
	double every = horizon(site) * uniform(site, 0.03, 0.08), next = every;
	for (size_t b = 0; b < site->periods; b++) {
		for (; next <= site->end[b]; next += every)
			add_immortals(site, b, (uint64_t)(site->rate * uniform(site, 0.8, 1.2)));
		add_traffic(site, b, 0.3, 0.5);
	}
}

static void half_cleaned(struct simulated_site *site)
{
	double every = horizon(site) * uniform(site, 0.1, 0.25), next = every;
	double share = fmax(scale(site, 0.01, 0.3), 4 / site->rate);
	for (size_t t = 0; t < site->periods; t++) {
		carry_over(site, t);
		if (site->end[t] >= next) {
			/* What has not been looked at yet: since the last cleaning. */
			for (size_t b = 0; b < t; b++)
				if (site->end[b] >= next - every)
					site->blocks[t][b] -= random_binomial(
						&site->random, site->blocks[t][b], 0.5);
			next += every;
		}
		bear(site, t, drawn(site, demand(site, t) * share));
	}
	for (size_t b = 0; b < site->periods; b++)
		add_traffic(site, b, 0.2, 0.5);
}

static void changing_leak(struct simulated_site *site)
{
	double share = fmax(scale(site, 0.01, 0.3), 4 / site->rate), factor = 1;
	for (size_t b = 0; b < site->periods; b++) {
		if (chance(site, 0.1))
			factor = scale(site, 0.4, 2.5);
		add_immortals(site, b, drawn(site, demand(site, b) * share * factor));
		add_traffic(site, b, 0.5, 0.5);
	}
}

static void leak_in_backlog(struct simulated_site *site)
{
	double share = fmax(scale(site, 0.01, 0.1), 2 / site->rate);
	backlog(site);
	for (size_t b = 0; b < site->periods; b++)
		add_immortals(site, b, drawn(site, demand(site, b) * share));
}

static void leak_in_random_walk(struct simulated_site *site)
{
	use_memory(site, fmax(scale(site, 0.01, 0.1), 2 / site->rate));
}

/* ---- all ---- */

const char *const simulated_names[SIMULATED_CLASS_COUNT] = {
#define SIMULATED_NAME(rule, leaks, name) name,
	SIMULATED_CLASSES(SIMULATED_NAME)
#undef SIMULATED_NAME
};

const bool simulated_leaks[SIMULATED_CLASS_COUNT] = {
#define SIMULATED_LEAKS(rule, leaks, name) leaks,
	SIMULATED_CLASSES(SIMULATED_LEAKS)
#undef SIMULATED_LEAKS
};

static simulated_rule *const rules[SIMULATED_CLASS_COUNT] = {
#define SIMULATED_RULE(rule, leaks, name) rule,
	SIMULATED_CLASSES(SIMULATED_RULE)
#undef SIMULATED_RULE
};

static void make_schedule(struct simulated_site *site)
{
	double now = 0;
	for (size_t b = 0; b < site->periods; b++) {
		double length = site->is_automatic ? fmax(1, now / AUTOMATIC_SHARE) : 1;
		site->length[b] = length;
		site->end[b] = now += length;
	}
}

/* Half of the programs have a day and a night, a quarter is asked for more from some moment on, all
 * vary from period to period. */
static void make_load(struct simulated_site *site)
{
	bool has_waves = chance(site, 0.5);
	double wave = uniform(site, 6, 30), phase = uniform(site, 0, 2 * M_PI);
	double step_at = chance(site, 0.25) ? uniform(site, 0.2, 0.8) * horizon(site) : INFINITY;
	double step_to = uniform(site, 1.5, 4);
	for (size_t b = 0; b < site->periods; b++) {
		double load = exp(0.25 * random_normal(&site->random));
		if (has_waves)
			load *= 1 + 0.6 * sin(2 * M_PI * site->end[b] / wave + phase);
		site->load[b] = load * (site->end[b] > step_at ? step_to : 1);
	}
}

void simulated_site_make(struct simulated_site *site, enum simulated_class class, size_t periods,
			 bool is_automatic, uint64_t seed, uint64_t number)
{
	memset(site, 0, sizeof(*site));
	site->periods = periods;
	site->is_automatic = is_automatic;
	site->random = random_from(seed, number * SIMULATED_CLASS_COUNT + (uint64_t) class);
	site->rate = scale(site, 10, 2000);
	site->block_bytes = floor(scale(site, 16, 4096));
	make_schedule(site);
	make_load(site);
	rules[class](site);
	/* The rest of the program works with the site, but not in step with it. */
	double busy = scale(site, 100, 1e5);
	for (size_t b = 0; b < periods; b++)
		site->others[b] = drawn(site, busy * site->load[b] * site->length[b] *
						      exp(0.15 * random_normal(&site->random)));
}

void simulated_site_sample(struct simulated_site *site, double sample_bytes)
{
	double share = -expm1(-(site->block_bytes + 1) / sample_bytes);
	site->sample_bytes = sample_bytes;
	for (size_t b = 0; b < site->periods; b++) {
		uint64_t before = 0, observed = 0;
		for (size_t t = b; t < site->periods; t++) {
			uint64_t now = site->blocks[t][b];
			if (t == b)
				observed = random_binomial(&site->random, now, share);
			else if (now < before)
				observed = random_binomial(&site->random, observed,
							   (double)now / (double)before);
			else
				observed += random_binomial(&site->random, now - before, share);
			before = now;
			site->blocks[t][b] = (uint64_t)floor((double)observed / share + 0.5);
		}
		uint64_t births = random_binomial(&site->random, site->births[b], share);
		site->births[b] = (uint64_t)floor((double)births / share + 0.5);
	}
}

/* As the library merges old epochs: pairs when the younger of the two is 16 epochs old, fours when
 * the youngest of them is 32, and so on. */
static uint32_t first_epoch_of(uint32_t birth, uint32_t now)
{
	uint32_t width = 1;
	for (uint32_t wider = 2; wider <= 1 << 17; wider *= 2) {
		uint32_t youngest = birth - birth % wider + wider - 1;
		if (youngest > now || now - youngest < 16 * (wider / 2))
			break;
		width = wider;
	}
	birth -= birth % width;
	return birth < 1 ? 1 : birth;
}

static void add_point(struct simulated_profile *made, const struct simulated_site *site, size_t t)
{
	struct site_point *point = &made->points[t];
	for (size_t b = 0; b <= t; b++) {
		uint64_t blocks = site->blocks[t][b];
		if (!blocks)
			continue;
		uint64_t bytes = site->bytes[t][b] ? site->bytes[t][b]
						   : (uint64_t)((double)blocks * site->block_bytes);
		uint32_t epoch = first_epoch_of((uint32_t)b + 1, (uint32_t)t + 1);
		struct cohort *cohort = &made->cohorts[t][point->cohort_count];
		if (point->cohort_count && cohort[-1].epoch == epoch)
			cohort--;
		else
			point->cohort_count++;
		cohort->epoch = epoch;
		cohort->blocks += blocks;
		cohort->bytes += bytes;
		point->live_blocks += blocks;
		point->live_bytes += bytes;
	}
}

void simulated_profile_make(struct simulated_profile *made, const struct simulated_site *site,
			    double period_s)
{
	uint64_t births = 0, others = 0, bytes = 0;
	memset(made, 0, sizeof(*made));
	for (size_t t = 0; t < site->periods; t++) {
		struct site_point *point = &made->points[t];
		births += site->births[t];
		bytes += site->bytes[t][t]
				 ? site->bytes[t][t]
				 : (uint64_t)((double)site->births[t] * site->block_bytes);
		others += site->others[t];
		*point = (struct site_point){
			.snapshot = (uint32_t)t,
			.cohorts = made->cohorts[t],
			.allocations = births,
			.allocated_bytes = bytes,
		};
		add_point(made, site, t);
		made->snapshots[t] = (struct snapshot){
			.number = (uint32_t)t + 1,
			.epoch = (uint32_t)t + 1,
			.time_s = site->end[t] * period_s,
			.reason = SEEP_REASON_INTERVAL,
			.label = (char *)"",
			.raw.live_bytes = (1 << 20) + point->live_bytes,
			.raw.allocations = births + others,
		};
	}
	made->site = (struct site){1, (uint32_t)site->periods, made->points};
	made->profile = (struct profile){
		.snapshots = made->snapshots,
		.snapshot_count = site->periods,
		.sites = &made->site,
		.site_count = 1,
		.sample_bytes = (uint64_t)site->sample_bytes,
	};
}
