// Collects garbage now and then, and keeps the database's log short.
#ifndef SKEW_SERVER_JOBS_HOUSEKEEPER_H_
#define SKEW_SERVER_JOBS_HOUSEKEEPER_H_

#include <thread>

#include "absl/time/time.h"
#include "server/jobs/event_hub.h"
#include "server/store/connections.h"
#include "server/store/garbage_collector.h"

namespace skew {

class Housekeeper {
 public:
  // Borrowed; they outlive it.
  Housekeeper(GarbageCollector* collector, Connections* connections, const EventHub* hub, absl::Duration interval)
      : collector_(collector), connections_(connections), hub_(hub), interval_(interval) {}
  // The hub must drain before.
  ~Housekeeper() { Join(); }
  Housekeeper(const Housekeeper&) = delete;
  Housekeeper& operator=(const Housekeeper&) = delete;

  // From now on, garbage once in each interval and the log sixty times, until the hub drains.
  void Start();
  void Join();

 private:
  void Loop();
  void CollectGarbage();
  void ShortenLog();

  GarbageCollector* const collector_;
  Connections* const connections_;
  const EventHub* const hub_;
  const absl::Duration interval_;
  std::thread thread_;
};

}  // namespace skew

#endif  // SKEW_SERVER_JOBS_HOUSEKEEPER_H_
