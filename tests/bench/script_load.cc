#include "tests/bench/script_load.h"

#include <utility>

#include "absl/time/clock.h"

namespace skew {
namespace {

constexpr absl::Duration kPeriod = absl::Seconds(1);

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

ScriptLoad::ScriptLoad(const std::string& server, const std::string& job, int scripts) {
  for (int i = 0; i < scripts; ++i) threads_.emplace_back([this, server, job, i] { Poll(server, job, i); });
}

ScriptLoad::~ScriptLoad() {
  {
    absl::MutexLock lock(&mutex_);
    stopping_ = true;
  }
  for (std::thread& thread : threads_) thread.join();
}

void ScriptLoad::Poll(const std::string& server, const std::string& job, int number) {
  Client::Options options;
  options.server = {server, "the load", ""};
  options.own_connection = true;
  Client client(options);
  absl::Time next = absl::Now() + number * absl::Milliseconds(20);  // they do not all ask at the same moment
  for (int i = number; AwaitNext(next); ++i) {
    const absl::Time begin = absl::Now();
    const absl::Status status = Ask(client, job, i);
    const absl::Time end = absl::Now();
    next = end + kPeriod;
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
