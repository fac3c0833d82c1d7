#include "tests/bench/script_load.h"

#include <utility>

#include "absl/time/clock.h"

namespace skew {
namespace {

absl::Status Ask(Client& client, const std::string& job, int what) {
  switch (what % 3) {
    case 0:
      return client.ListJobs({}, 20).status();
    case 1:
      return client.GetJob(job).status();
    default: {
      v1::GetResultsRequest request;
      request.set_job_id(job);
      return client.GetResults(request).status();
    }
  }
}

}  // namespace

ScriptLoad::ScriptLoad(const std::string& server, const std::string& job, int scripts, absl::Duration period)
    : period_(period) {
  for (int i = 0; i < scripts; ++i) {
    // They do not all ask at the same moment.
    threads_.emplace_back([=, this] { Poll(server, job, i, absl::Now() + i * period / scripts); });
  }
}

ScriptLoad::~ScriptLoad() {
  {
    absl::MutexLock lock(&mutex_);
    stopping_ = true;
  }
  for (std::thread& thread : threads_) thread.join();
}

void ScriptLoad::Poll(const std::string& server, const std::string& job, int number, absl::Time next) {
  Client::Options options;
  options.server = {server, "the load", ""};
  options.own_connection = true;
  Client client(options);
  for (int i = number; AwaitNext(next); ++i) {
    const absl::Time begin = absl::Now();
    const absl::Status status = Ask(client, job, i);
    const absl::Time end = absl::Now();
    next = end + period_;
    absl::MutexLock lock(&mutex_);
    latencies_.push_back(absl::ToDoubleMilliseconds(end - begin));
    if (!status.ok()) errors_.push_back(status.ToString());
  }
}

bool ScriptLoad::AwaitNext(absl::Time next) {
  absl::MutexLock lock(&mutex_);
  mutex_.AwaitWithDeadline(absl::Condition(&stopping_), next);
  return !stopping_;
}

std::vector<double> ScriptLoad::TakeLatencies() {
  absl::MutexLock lock(&mutex_);
  return std::exchange(latencies_, {});
}

std::vector<std::string> ScriptLoad::Errors() {
  absl::MutexLock lock(&mutex_);
  return errors_;
}

}  // namespace skew
