// SPDX-License-Identifier: Apache-2.0
/*
 * shared_nodes: a page is a tree of nodes that are held by std::shared_ptr.
 *
 * Sick: children hold their parents in the same way, and such a cycle is never freed.
 *
 *   leak node_make
 *   leak node_append
 */
#include "tests/corpus/part.h"

#include <map>
#include <memory>
#include <string>
#include <vector>

namespace
{
struct node {
	std::string text;
	std::vector<std::shared_ptr<node>> children;
	std::weak_ptr<node> parent;
	std::shared_ptr<node> strong_parent;
};

auto &pages = *new std::multimap<double, std::shared_ptr<node>>;
double page_count, life, scripted;

SITE std::shared_ptr<node> node_make(struct part *part)
{
	auto made = std::make_shared<node>();
	made->text.assign(part_bytes(part), 'x');
	return made;
}

SITE void node_append(const std::shared_ptr<node> &parent, const std::shared_ptr<node> &child,
		      bool is_sick)
{
	parent->children.push_back(child);
	if (is_sick)
		child->strong_parent = parent;
	else
		child->parent = parent;
}

void start(struct part *part)
{
	page_count = part->rate / 10;
	life = part_draw_scale(part, "life", 0.2, 0.1 * part->periods);
	scripted = part_draw_scale(part, "scripted", 0.1, 1);
}

void step(struct part *part)
{
	for (unsigned i = part_events(part, page_count); i; i--) {
		auto page = node_make(part);
		bool is_scripted = part_chance(part, scripted);
		for (unsigned children = 1 + part_poisson(part, 4); children; children--)
			node_append(page, node_make(part), part->is_sick && is_scripted);
		pages.emplace(part_now(part) + part_exponential(part, life), page);
	}
	while (!pages.empty() && pages.begin()->first <= part_now(part))
		pages.erase(pages.begin());
}
} // namespace

KIND(shared_nodes);
