// SPDX-License-Identifier: Apache-2.0
/*
 * event_log: events are collected in a std::vector of std::string and handed on when there are
 * enough; the vector keeps its room.
 *
 * Sick: nobody takes them, and they pile up. The vector grows with them, in doublings.
 *
 *   leak event_text
 *   may event_add
 */
#include "tests/corpus/part.h"

#include <string>
#include <utility>
#include <vector>

namespace
{
auto &events = *new std::vector<std::string>;
double event_count;
size_t most;

SITE std::string event_text(struct part *part)
{
	std::string text(part_bytes(part), 'x');
	return text;
}

SITE void event_add(std::string &&text)
{
	events.push_back(std::move(text));
}

void start(struct part *part)
{
	event_count = part->rate / 4;
	most = 1 + (size_t)(event_count * part_draw(part, "most", 0.2, 3));
}

void step(struct part *part)
{
	for (unsigned i = part_events(part, event_count); i; i--) {
		event_add(event_text(part));
		if (events.size() >= most && !part->is_sick)
			events.clear();
	}
}
} // namespace

KIND(event_log);
