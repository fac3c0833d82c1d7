#include "server/api/slow_readers.h"

#include <grpc/grpc.h>

#include <algorithm>
#include <chrono>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/slow_consumer.h"
#include "spdlog/spdlog.h"

namespace skew {
namespace {

// Not the clock of the wall: were that set forward, every stream would be overdue.
int64_t NowNanoseconds() {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

}  // namespace

SlowReaders::Reader::Reader(grpc::ServerContextBase& context) : call_(context.c_call()) { grpc_call_ref(call_); }

SlowReaders::Reader::~Reader() { grpc_call_unref(call_); }

void SlowReaders::Reader::Begin() { begun_ = NowNanoseconds(); }

void SlowReaders::Reader::End() { begun_ = 0; }

SlowReaders::SlowReaders(absl::Duration patience, absl::Duration grace, Clock* clock)
    : patience_(patience), grace_(grace), clock_(clock), thread_([this] { Loop(); }) {}

SlowReaders::~SlowReaders() {
  {
    absl::MutexLock lock(&mutex_);
    stopping_ = true;
  }
  thread_.join();
}

std::shared_ptr<SlowReaders::Reader> SlowReaders::Follow(grpc::ServerContextBase& context) {
  auto reader = std::make_shared<Reader>(context);
  absl::MutexLock lock(&mutex_);
  readers_.push_back(reader);
  return reader;
}

bool SlowReaders::IsLate(const Reader& reader) const {
  const int64_t begun = reader.begun_;
  return begun != 0 && absl::Nanoseconds(NowNanoseconds() - begun) > patience_;
}

int SlowReaders::CountLate() {
  absl::MutexLock lock(&mutex_);
  return static_cast<int>(std::count_if(readers_.begin(), readers_.end(), [this](const std::weak_ptr<Reader>& one) {
    const std::shared_ptr<Reader> reader = one.lock();
    return reader != nullptr && IsLate(*reader);
  }));
}

void SlowReaders::Loop() {
  // There is no room for more than a text on this way.
  const std::string text = absl::StrCat(kSlowConsumer, ": a message was not taken within ",
                                        absl::FormatDuration(patience_), "; go on after the last one that was read");
  while (true) {
    {
      absl::MutexLock lock(&mutex_);
      clock_->AwaitWithDeadline(&mutex_, absl::Condition(&stopping_), clock_->Now() + patience_ / 8);
      if (stopping_) return;
    }
    // Without a lock: what hears of the end may come back here on this thread.
    for (const std::shared_ptr<Reader>& reader : TakeOverdue()) {
      grpc_call_cancel_with_status(reader->call_, GRPC_STATUS_RESOURCE_EXHAUSTED, text.c_str(), nullptr);
      spdlog::info("a stream was cut: its reader took nothing for {}", absl::FormatDuration(patience_));
    }
  }
}

SlowReaders::Readers SlowReaders::TakeOverdue() {
  const int64_t latest = NowNanoseconds() - absl::ToInt64Nanoseconds(patience_ + grace_);
  Readers overdue;
  Readers alive;  // let go of after the lock: that may destroy them
  absl::MutexLock lock(&mutex_);
  std::erase_if(readers_, [&](const std::weak_ptr<Reader>& one) {
    std::shared_ptr<Reader> reader = one.lock();
    if (reader == nullptr) return true;
    int64_t begun = reader->begun_;
    const bool is_overdue =
        begun != 0 && begun < latest && reader->begun_.compare_exchange_strong(begun, 0);  // it is cut once
    (is_overdue ? overdue : alive).push_back(std::move(reader));
    return is_overdue;
  });
  return overdue;
}

}  // namespace skew
