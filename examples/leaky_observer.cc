// SPDX-License-Identifier: Apache-2.0
//
// leaky_observer: C++ with templates, lambdas and shared pointers. Each sensor subscribes to the
// clock when it is made; nobody unsubscribes, so the clock keeps every dead sensor's closure and
// with it the sensor's history. Nothing is unreachable: a tool that looks for lost blocks finds
// nothing here.
//
//     leaky_observer [SECONDS]      default 4

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <memory>
#include <thread>
#include <vector>

class Clock
{
      public:
	void subscribe(std::function<void(int)> callback)
	{
		callbacks.push_back(std::move(callback));
	}

	void tick(int now)
	{
		for (auto &callback : callbacks)
			callback(now);
	}

	std::size_t size() const
	{
		return callbacks.size();
	}

      private:
	std::vector<std::function<void(int)>> callbacks;
};

template <typename Value> struct History {
	Value values[32] = {};
};

class Sensor
{
      public:
	explicit Sensor(Clock &clock)
	{
		auto history = std::make_shared<History<double>>(); // the leak: held by the closure
		clock.subscribe([history](int now) { history->values[now % 32] += 1; });
	}
};

int main(int argc, char **argv)
{
	Clock clock;
	int ticks = (argc > 1 ? std::atoi(argv[1]) : 4) * 100;

	for (int now = 0; now < ticks; now++) {
		Sensor short_lived(clock);
		clock.tick(now);
		std::this_thread::sleep_for(std::chrono::milliseconds(10));
	}
	std::printf("%zu callbacks\n", clock.size());
	return 0;
}
