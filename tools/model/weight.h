/* SPDX-License-Identifier: Apache-2.0 */
/*
 * weight: does a leak matter beside everything else that grows in its process?
 *
 * A program that works through its input and ends, a compiler for example, keeps a bit of memory for
 * each piece of it at hundreds of places. Each of them accumulates without doubt, and to mend one
 * would change nothing: the process grows by all the others. In a process that does not grow
 * otherwise, the smallest leak is all of its growth.
 *
 * So where a crowd accumulates (more than WEIGHT_CROWD sites leak or may do so), a leak is minor when
 * both hold:
 *
 *   beside the rest   it is less than WEIGHT_OF_GROWTH of all that accumulates, without the larger
 *                     leaks that are not minor: mending those is no reason to keep this one.
 *   in the heap       what it has added up to is less than WEIGHT_OF_HEAP of what is live.
 *
 * And not a site that frees more than WEIGHT_FORGOTTEN of what it allocates: what is kept by design is
 * kept whole, and who frees most and forgets some means to free all. More than WEIGHT_CROWD of these are a
 * crowd as well.
 *
 * One that goes on reaches a hundredth of the heap, or outlives what else grew; until then nothing is
 * decided, and that is what it says. A group of sites that is most of all that accumulates is not
 * weighed site by site; but hundreds of sites are no place to mend, they are a program that keeps what
 * it makes.
 */
#ifndef SEEP_MODEL_WEIGHT_H
#define SEEP_MODEL_WEIGHT_H

#include <stdbool.h>
#include <stddef.h>

struct finding_list;
struct judgement;
struct profile;

/* As measured on a C compiler, where 140 to 690 sites accumulate until it ends: the largest is 5.7 % of
 * them all and 0.8 % of the heap. Servers have a few such sites, and so nothing is weighed there. Of 58
 * sites that accumulate in cc1 57 free less than 5 % of what they allocate, and one 10 %. */
#define WEIGHT_CROWD 50
#define WEIGHT_OF_GROWTH 0.1
#define WEIGHT_OF_HEAP 0.01
#define WEIGHT_FORGOTTEN 0.25
#define WEIGHT_GROUP_SITES 100 /* of a group that is not weighed site by site, at most */

/* Makes minor leaks growing sites (judgement.is_minor), and a group none of whose sites is flagged a
 * growing one, unless it is most of what accumulates. `judgements` and `findings` are those of
 * profile->sites over snapshots [first, last]. Returns false without memory, and has changed nothing
 * then. */
bool weight_set_minor(const struct profile *profile, size_t first, size_t last,
		      struct judgement *judgements, struct finding_list *findings);

#endif
