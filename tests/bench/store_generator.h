// Makes a database as it looks after years of use.
#ifndef SKEW_TESTS_BENCH_STORE_GENERATOR_H_
#define SKEW_TESTS_BENCH_STORE_GENERATOR_H_

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "skew/v1/job.pb.h"

namespace skew {

struct StoreSize {
  int jobs = 100'000;
  int runs_per_job = 10;
  int events_per_run = 10;

  int64_t runs() const { return int64_t{jobs} * runs_per_job; }
  int64_t events() const { return runs() * events_per_run; }
};

// What the studies of a store are.
struct GeneratedStudies {
  v1::JobSpec spec;
  std::string dataset_digest;  // of the dataset that the daemon will have
};

// Makes a database in a state folder, where none is, with one trained classifier and that many studies. Jobs and runs
// are stored as the daemon stores them; their history (states, attempts, histograms, events) is written as SQL. Specs
// are as given, with a label "group" from 0 to 9, and "rare" = "yes" for one in 1000. One in 100 is owned by "grace",
// the others by "ada"; group 2 has failed, the newest 1% are queued, all others have succeeded.
absl::Status GenerateStore(const std::string& state_dir, const StoreSize& size, const GeneratedStudies& studies);

}  // namespace skew

#endif  // SKEW_TESTS_BENCH_STORE_GENERATOR_H_
