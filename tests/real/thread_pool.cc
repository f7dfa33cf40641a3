// SPDX-License-Identifier: Apache-2.0
// thread_pool: eight threads that hand each other jobs made of strings, lists, maps and shared objects.
//
//     thread_pool SECONDS SEED
//
// Half of the time it waits, so that others get to work, too. Each job moves what it has to the
// next one; nothing is lost, but at any instant some of it is in registers only.
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdlib>
#include <deque>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <random>
#include <string>
#include <thread>
#include <vector>

namespace {

struct Document {
  std::string title;
  std::vector<std::string> lines;
  std::map<int, std::unique_ptr<std::string>> notes;
  std::list<std::shared_ptr<Document>> links;
  virtual ~Document() = default;
};

struct Signed {
  std::string signature;
  virtual ~Signed() = default;
};

// Its second base does not begin where the block does.
struct SignedDocument : Document, Signed {};

std::mutex mutex;
std::condition_variable wakes;
std::deque<std::function<void(std::mt19937 &)>> jobs;
std::deque<std::shared_ptr<Document>> archive;
std::deque<std::unique_ptr<Signed>> seals;
std::atomic<bool> is_over{false};

void later(std::function<void(std::mt19937 &)> job)
{
  {
    std::lock_guard<std::mutex> lock(mutex);
    jobs.push_back(std::move(job));
  }
  wakes.notify_one();
}

std::string text(std::mt19937 &chance, size_t most)
{
  return std::string(1 + chance() % most, char('a' + chance() % 26));
}

void write_document(std::mt19937 &chance)
{
  auto document = std::make_shared<Document>();
  document->title = text(chance, 60);
  for (unsigned i = chance() % 20; i > 0; i--)
    document->lines.push_back(text(chance, 200));
  for (unsigned i = chance() % 8; i > 0; i--)
    document->notes[int(chance() % 100)] = std::make_unique<std::string>(text(chance, 40));
  auto seal = std::make_unique<SignedDocument>();
  seal->signature = text(chance, 80);
  std::unique_ptr<Signed> base = std::move(seal);
  later([document, kept = base.release()](std::mt19937 &inner) {
    std::unique_ptr<Signed> own(kept);
    document->lines.push_back(own->signature + text(inner, 30));
    std::lock_guard<std::mutex> lock(mutex);
    if (!archive.empty())
      document->links.push_back(archive[inner() % archive.size()]);
    archive.push_back(document);
    seals.push_back(std::move(own));
    // What is old goes, and so do its links: no chain gets long.
    if (archive.size() > 500) {
      archive.front()->links.clear();
      archive.pop_front();
      seals.pop_front();
    }
  });
}

void work(unsigned seed)
{
  std::mt19937 chance(seed);
  while (!is_over) {
    std::function<void(std::mt19937 &)> job;
    {
      std::unique_lock<std::mutex> lock(mutex);
      if (jobs.empty())
        wakes.wait_for(lock, std::chrono::milliseconds(2));
      if (!jobs.empty()) {
        job = std::move(jobs.front());
        jobs.pop_front();
      }
    }
    if (job)
      job(chance);
    else
      for (int i = 0; i < 20; i++)
        write_document(chance);
    if (chance() % 40 == 0)
      std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
}

}  // namespace

int main(int argc, char **argv)
{
  double seconds = argc > 1 ? std::atof(argv[1]) : 5;
  unsigned seed = argc > 2 ? unsigned(std::atoi(argv[2])) : 1;
  std::vector<std::thread> threads;

  for (unsigned i = 0; i < 8; i++)
    threads.emplace_back(work, seed * 100 + i);
  std::this_thread::sleep_for(std::chrono::duration<double>(seconds));
  is_over = true;
  for (auto &thread : threads)
    thread.join();
  while (!jobs.empty()) {  // what they hold is freed by them alone
    std::mt19937 chance(seed);
    auto job = std::move(jobs.front());
    jobs.pop_front();
    job(chance);
  }
  return 0;
}
