// SPDX-License-Identifier: Apache-2.0
/*
 * thrown_orders: orders are read and checked; one that is wrong is reported by an exception.
 *
 * Sick: the order is held by a plain pointer, and the exception passes by the delete.
 *
 *   leak order_read
 */
#include "tests/corpus/part.h"

#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

namespace
{
struct order {
	std::string customer;
	std::vector<unsigned> articles;
};

double wrong;

SITE order *order_read(struct part *part)
{
	auto read = std::make_unique<order>();
	read->customer.assign(part_bytes(part), 'x');
	for (unsigned i = part_poisson(part, 3); i; i--)
		read->articles.push_back(i);
	return read.release();
}

SITE void order_check(struct part *part, const order &checked)
{
	if (part_chance(part, wrong))
		throw std::invalid_argument("no such customer: " + checked.customer);
}

void order_handle(struct part *part)
{
	order *read = order_read(part);
	std::unique_ptr<order> holder(part->is_sick ? nullptr : read);
	order_check(part, *read);
	if (part->is_sick)
		delete read;
}

void start(struct part *part)
{
	wrong = part_draw_scale(part, "wrong", 0.02, 0.2);
}

void step(struct part *part)
{
	for (unsigned i = part_events(part, part->rate / 3); i; i--)
		try {
			order_handle(part);
		} catch (const std::invalid_argument &) {
			/* The next one may be right. */
		}
}
} // namespace

KIND(thrown_orders);
