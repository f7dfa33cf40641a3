/* SPDX-License-Identifier: Apache-2.0 */
/*
 * chosen_site: what the two preloaded libraries that make a program leak say to each other.
 *
 * The loader puts them around libseep.so: LD_PRELOAD=lost_frees.so:libseep.so:chosen_site.so. The last
 * one is what seep takes for the real malloc. It knows the site and finds the site's blocks. The first
 * one is what the program takes for free, and withholds some frees of those blocks from seep and from
 * the allocator. seep sees a program that has forgotten them, and no frame of ours.
 */
#ifndef SEEP_TESTS_REAL_CHOSEN_SITE_H
#define SEEP_TESTS_REAL_CHOSEN_SITE_H

/* In lost_frees.so, for chosen_site.so. Any thread. */
void lost_frees_follow(void *ptr); /* a new block of the site */
void lost_frees_forget(void *ptr); /* the block, if it is one of them, is no longer of the site */

#endif
