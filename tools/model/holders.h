/* SPDX-License-Identifier: Apache-2.0 */
/*
 * holders: the paths by which the program holds blocks; see struct seep_holders in the format.
 *
 * The data is part of a profile; site_holders in profile.h finds the paths of a site. The two functions
 * are for tools/model only.
 */
#ifndef SEEP_MODEL_HOLDERS_H
#define SEEP_MODEL_HOLDERS_H

#include <stddef.h>
#include <stdint.h>

#include "seep/snapshot_format.h"
#include "tools/model/payload_decoder.h"

struct arena;
struct module;
struct node_table;

/* Memory that the program can get at without going through a block. */
struct holder_root {
	enum seep_root_kind kind; /* also one that only a newer version knows */
	uint32_t thread;	  /* tid; 0: none */
	uint32_t module;	  /* index into profile.modules, or PROFILE_NO_MODULE */
	/* likewise, of the module that `pc` lies in, as far as it is still loaded */
	uint32_t pc_module;
	uint64_t address, pc, offset;
	uint64_t bytes;	  /* of a mapping: all of it; 0: not known */
	const char *name; /* "" where there is none; any bytes but 0 */
};

/* Blocks on the way, one after the other. */
struct holder_step {
	uint32_t stack;	 /* of their site; 0: some are left out here, or it is not known */
	uint64_t offset; /* where in them the pointer to the next lies, in bytes from the start */
	uint64_t count;
};

struct holder_path {
	uint32_t stack;	 /* of the site whose blocks are held */
	uint32_t root;	 /* index into holders.roots */
	uint64_t blocks; /* of those that were drawn, so many */
	uint32_t step_count;
	const struct holder_step *steps; /* from the root to the block, which is none of them */
};

struct holders {
	struct seep_holders raw; /* as written */
	struct holder_root *roots;
	size_t root_count;
	/* in rising order of stack id; of one site the most blocks first */
	struct holder_path *paths;
	size_t path_count;
};

/* Makes `*holders` of the payload of a record; a newer one takes the place of an older one. Returns 0,
 * -EBADMSG (then `*holders` is as it was), or -ENOMEM. */
int holders_read(struct holders **holders, struct payload payload, struct arena *arena);

/* Puts the ids that stand for them in the place of the stacks, and indices in the place of the ids of
 * modules, which are in rising order of their id. Of null it does nothing. Returns 0; -EBADMSG when
 * there were unknown ones: paths of unknown sites are left out; or -ENOMEM. */
int holders_link(struct holders *holders, const struct node_table *nodes,
		 const struct module *modules, size_t module_count);

#endif
