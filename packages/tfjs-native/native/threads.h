// Shares the units of one job among threads. TensorFlow's C interface doesn't hand out its own.
#pragma once
#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <cstdlib>
#include <exception>
#include <mutex>
#include <thread>

namespace moe_rl {

/** As many threads as TensorFlow's own, started at the first job; they sleep between jobs and end with the process. */
class Threads {
 public:
  static Threads& shared() {
    static Threads* threads = new Threads(wanted());  // never freed: its threads may outlive static objects
    return *threads;
  }

  /**
   * Calls run(unit) for each of `units`, in any order; returns when all are done. While another job is on, the caller does its units alone.
   * @param lingers whether the threads wait some 30 microseconds before they sleep: for short jobs that come one right after another
   */
  template <typename Run>
  void each(std::ptrdiff_t units, const Run& run, bool lingers = false) {
    std::unique_lock<std::mutex> alone(busy_, std::try_to_lock);
    if (helpers_ == 0 || units < 2 || !alone.owns_lock()) {
      for (std::ptrdiff_t unit = 0; unit < units; unit++) run(unit);
      return;
    }
    {
      const std::lock_guard<std::mutex> guard(lock_);
      call_ = [](const void* body, std::ptrdiff_t unit) { (*static_cast<const Run*>(body))(unit); };
      body_ = &run;
      units_ = units;
      lingers_ = lingers;
      next_.store(0, std::memory_order_relaxed);
      job_++;
    }
    wake_.notify_all();
    work(call_, body_, units);
    // Those that never woke up must not begin: the job is taken away under the lock. Those that did are waited for; they are at their last unit.
    std::unique_lock<std::mutex> guard(lock_);
    body_ = nullptr;
    if (lingers && working_ > 0) {
      guard.unlock();
      linger([this] { return working_ == 0; });
      guard.lock();
    }
    done_.wait(guard, [this] { return working_ == 0; });
  }

 private:
  using Call = void (*)(const void*, std::ptrdiff_t);

  explicit Threads(int count) {
    try {
      for (; helpers_ < count - 1; helpers_++) std::thread(&Threads::help, this).detach();
    } catch (const std::exception&) {
      // As many as the system gives: those that run already keep this object, and whoever called us is C and lets no exception through.
    }
  }

  static int wanted() {
    const char* set = std::getenv("TF_NUM_INTRAOP_THREADS");
    const int count = set ? std::atoi(set) : 0;
    return count > 0 ? count : std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
  }

  void work(Call call, const void* body, std::ptrdiff_t units) {
    for (std::ptrdiff_t unit; (unit = next_.fetch_add(1, std::memory_order_relaxed)) < units;) call(body, unit);
  }

  /** Waits a short time for `isOver`, awake. */
  template <typename IsOver>
  static void linger(const IsOver& isOver) {
    for (int turn = 0; turn < 600 && !isOver(); turn++) {
#if defined(__x86_64__)
      __builtin_ia32_pause();
#endif
    }
  }

  void help() {
    unsigned long seen = 0;
    std::unique_lock<std::mutex> guard(lock_);
    for (;;) {
      wake_.wait(guard, [&] { return job_ != seen; });
      seen = job_;
      if (body_ == nullptr) continue;
      const Call call = call_;
      const void* body = body_;
      const std::ptrdiff_t units = units_;
      const bool lingers = lingers_;
      working_++;
      guard.unlock();
      work(call, body, units);
      guard.lock();
      if (--working_ == 0) done_.notify_one();
      if (!lingers) continue;
      guard.unlock();
      linger([&] { return job_ != seen; });
      guard.lock();
    }
  }

  int helpers_ = 0;
  std::mutex busy_, lock_;
  std::condition_variable wake_, done_;
  std::atomic<std::ptrdiff_t> next_{0};
  Call call_ = nullptr;
  const void* body_ = nullptr;
  std::ptrdiff_t units_ = 0;
  bool lingers_ = false;
  std::atomic<unsigned long> job_{0};
  std::atomic<int> working_{0};
};

}  // namespace moe_rl
