// SPDX-License-Identifier: Apache-2.0
#include <future>
#include <iostream>
#include <map>
#include <memory>
#include <numeric>
#include <stdexcept>
#include <string>
#include <vector>

static long work(int n)
{
	std::map<std::string, std::shared_ptr<std::vector<int>>> kept;
	for (int i = 0; i < 2000; i++) {
		auto &place = kept[std::to_string(i * 7919 % 503)];
		if (!place)
			place = std::make_shared<std::vector<int>>();
		place->push_back(i % n);
	}
	long sum = 0;
	for (auto &entry : kept)
		sum += std::accumulate(entry.second->begin(), entry.second->end(), 0L);
	try {
		if (n == 3)
			throw std::runtime_error("three");
	} catch (std::exception &error) {
		sum += error.what()[0];
	}
	return sum;
}

int main()
{
	std::vector<std::future<long>> results;
	for (int n = 1; n < 9; n++)
		results.push_back(std::async(std::launch::async, work, n));
	for (auto &result : results)
		std::cout << result.get() << "\n";
	return 4;
}
