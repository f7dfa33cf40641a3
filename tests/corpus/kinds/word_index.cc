// SPDX-License-Identifier: Apache-2.0
/*
 * word_index: a std::map from words to the places where they were seen lately; a word that was not
 * seen for some time is erased.
 *
 * Sick: looking a word up is written as index[word], which inserts what is not there.
 *
 *   leak places_of
 */
#include "tests/corpus/part.h"

#include <deque>
#include <map>
#include <string>
#include <utility>
#include <vector>

namespace
{
using places = std::vector<unsigned>;

/* Never destroyed, as in a server that is stopped. */
auto &words = *new std::map<std::string, places>;
auto &seen = *new std::deque<std::pair<double, std::string>>;
double window, vocabulary, misses;
unsigned long lookup;

SITE void see(struct part *part, const std::string &word)
{
	words[word].push_back(part->step);
	seen.emplace_back(part_now(part) + window, word);
}

SITE size_t places_of(const std::string &word, bool is_sick)
{
	if (is_sick)
		return words[word].size();
	auto found = words.find(word);
	return found == words.end() ? 0 : found->second.size();
}

void start(struct part *part)
{
	window = part_draw(part, "window", 0.03, 0.2) * part->periods;
	vocabulary = part_draw_scale(part, "vocabulary", 20, 400);
	misses = part_draw_scale(part, "misses", 2, 30);
}

void step(struct part *part)
{
	for (unsigned i = part_events(part, part->rate / 4); i; i--)
		see(part, "a word of some length, number " +
				  std::to_string((unsigned)part_uniform(part, 0, vocabulary)));
	for (unsigned i = part_events(part, misses); i; i--)
		places_of("a word that was never seen, number " + std::to_string(lookup++),
			  part->is_sick);
	while (!seen.empty() && seen.front().first <= part_now(part)) {
		auto found = words.find(seen.front().second);
		if (found != words.end()) {
			auto &of = found->second;
			of.erase(of.begin());
			if (of.empty())
				words.erase(found);
		}
		seen.pop_front();
	}
}
} // namespace

KIND(word_index);
