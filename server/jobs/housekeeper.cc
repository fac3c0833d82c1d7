#include "server/jobs/housekeeper.h"

#include <string>

#include "spdlog/spdlog.h"

namespace skew {

void Housekeeper::Start() {
  thread_ = std::thread([this] { Loop(); });
}

void Housekeeper::Join() {
  if (thread_.joinable()) thread_.join();
}

void Housekeeper::Loop() {
  constexpr int kLooksAtLog = 60;
  while (true) {
    CollectGarbage();
    for (int i = 0; i < kLooksAtLog; ++i) {
      ShortenLog();
      if (hub_->AwaitDrain(interval_ / kLooksAtLog)) return;
    }
  }
}

void Housekeeper::CollectGarbage() {
  const absl::StatusOr<v1::CollectGarbageResponse> collected =
      collector_->Collect({}, [this] { return !hub_->draining(); });
  if (!collected.ok()) {
    spdlog::warn("collecting garbage: {}", std::string(collected.status().message()));
    return;
  }
  for (const v1::Garbage& garbage : collected->garbage()) {
    spdlog::info("removed {} {} ({} bytes), which were not to be kept", garbage.count(), garbage.kind(),
                 garbage.size_bytes());
  }
}

void Housekeeper::ShortenLog() {
  const absl::Status shortened = connections_->ShortenLog();
  if (!shortened.ok()) spdlog::warn("skew.db-wal is long: {}", std::string(shortened.message()));
}

}  // namespace skew
