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
  do {
    const absl::StatusOr<v1::CollectGarbageResponse> collected =
        collector_->Collect({}, [this] { return !hub_->draining(); });
    if (!collected.ok()) {
      spdlog::warn("collecting garbage: {}", std::string(collected.status().message()));
      continue;
    }
    for (const v1::Garbage& garbage : collected->garbage()) {
      spdlog::info("removed {} {} ({} bytes), which were not to be kept", garbage.count(), garbage.kind(),
                   garbage.size_bytes());
    }
  } while (!hub_->AwaitDrain(interval_));
}

}  // namespace skew
