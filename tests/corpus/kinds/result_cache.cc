// SPDX-License-Identifier: Apache-2.0
/*
 * result_cache: a std::unordered_map from questions to results, with a std::list of their order for
 * evicting the oldest.
 *
 * Sick: the key holds the time of day, so nothing is ever found, and there is no bound: a cache in
 * name only.
 *
 *   leak result_keep
 */
#include "tests/corpus/part.h"

#include <list>
#include <string>
#include <unordered_map>

namespace
{
auto &results = *new std::unordered_map<std::string, std::string>;
auto &order = *new std::list<std::string>;
double questions, asked;
size_t most;

SITE void result_keep(struct part *part, const std::string &key)
{
	results.emplace(key, std::string(part_bytes(part), 'x'));
	order.push_back(key);
}

void start(struct part *part)
{
	questions = part->rate / 4;
	asked = questions * part->periods * part_draw(part, "asked", 0.05, 0.5);
	most = 1 + (size_t)(asked * part_draw(part, "most", 0.1, 0.8));
}

void step(struct part *part)
{
	for (unsigned i = part_events(part, questions); i; i--) {
		auto key = "what is " + std::to_string((unsigned)part_uniform(part, 0, asked));
		if (part->is_sick)
			key += " at " + std::to_string(part->step) + "." + std::to_string(i);
		if (results.find(key) != results.end())
			continue;
		result_keep(part, key);
		if (results.size() > most && !part->is_sick) {
			results.erase(order.front());
			order.pop_front();
		}
	}
}
} // namespace

KIND(result_cache);
