// Whose turn it is with real workers: 300 short runs of three users on two slots, and a fourth user who comes late.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "common/proto_time.h"
#include "common/run_state.h"
#include "tests/testing/test_daemon.h"

namespace skew {
namespace {

std::string DataFolder() {
  const char* folder = std::getenv("SKEW_TEST_DATA");
  return folder == nullptr ? SKEW_SOURCE "/data" : folder;
}

// The time that an attempt held its slot.
struct Held {
  std::string owner;
  std::string run;
  absl::Time start;
  absl::Time end;
};

absl::Duration Overlap(const Held& held, absl::Time from, absl::Time to) {
  return std::max(std::min(held.end, to) - std::max(held.start, from), absl::ZeroDuration());
}

class RealFairShareTest : public ::testing::Test {
 protected:
  RealFairShareTest()
      : box_([](Daemon::Options& options) {
          options.devices = "cpu:2x1";
          options.datasets = DataFolder();
          options.worker_program = SKEW_WORKER;
          options.owner_of = TestDaemon::OwnerByMetadata;
        }) {}

  // A study without training: images drawn, judged and counted, `runs` times.
  std::string Submit(const std::string& owner, int32_t runs) {
    v1::SubmitJobRequest request;
    v1::JobSpec& spec = *request.mutable_spec();
    spec.set_dataset("mnist");
    spec.set_iterations(runs);
    (*spec.mutable_bias()->mutable_fixed())[0] = 200;
    (*spec.mutable_bias()->mutable_fixed())[1] = 100;
    spec.add_models()->mutable_resample();
    spec.mutable_generation()->set_images(300);
    spec.mutable_evaluation()->mutable_classifier()->set_epochs(1);
    grpc::ClientContext context;
    TestDaemon::NameOwner(context, owner);
    v1::SubmitJobResponse response;
    const grpc::Status status = box_.jobs().SubmitJob(&context, request, &response);
    EXPECT_TRUE(status.ok()) << status.error_message();
    return response.job().id();
  }

  void SetWeight(const std::string& user, double weight) {
    grpc::ClientContext context;
    v1::SetShareRequest request;
    request.set_user(user);
    request.set_weight(weight);
    v1::Share share;
    ASSERT_TRUE(box_.queue().SetShare(&context, request, &share).ok());
  }

  void Drain(bool drain) {
    grpc::ClientContext context;
    v1::DrainDeviceResponse drained;
    v1::UndrainDeviceResponse undrained;
    ASSERT_TRUE(drain ? box_.queue().DrainDevice(&context, {}, &drained).ok()
                      : box_.queue().UndrainDevice(&context, {}, &undrained).ok());
  }

  std::vector<v1::Run> Runs(const std::string& job) {
    grpc::ClientContext context;
    v1::ListRunsRequest request;
    request.set_job_id(job);
    v1::ListRunsResponse response;
    EXPECT_TRUE(box_.runs().ListRuns(&context, request, &response).ok());
    return {response.runs().begin(), response.runs().end()};
  }

  // Until so many runs of the job have succeeded.
  void AwaitSucceeded(const std::string& job, int count) {
    int succeeded = 0;
    box_.WatchUntil(job, [&](const v1::Event& event) {
      return event.run_state().state() == v1::SUCCEEDED && ++succeeded == count;
    });
  }

  std::vector<Held> HeldBy(const std::string& owner, const std::string& job) {
    std::vector<Held> held;
    for (const v1::Run& run : Runs(job)) {
      EXPECT_EQ(run.state(), v1::SUCCEEDED) << run.id() << ": " << run.message();
      for (const v1::Attempt& attempt : run.attempts()) {
        held.push_back({owner, run.id(), FromProto(attempt.start_time()), FromProto(attempt.end_time())});
      }
    }
    return held;
  }

  TestDaemon box_;
};

TEST_F(RealFairShareTest, SharesFollowWeightsALateUserStartsSoonAndEndsComeAsExpected) {
  if (!std::filesystem::is_directory(DataFolder() + "/mnist")) {
    GTEST_SKIP() << DataFolder() << " has no mnist: run deploy/fetch-datasets.sh, or set SKEW_TEST_DATA";
  }
  box_.Await(Submit("zoe", 1));  // trains the classifier, for all
  const std::map<std::string, double> weights = {{"ada", 1}, {"bob", 1}, {"cy", 2}};
  std::map<std::string, std::string> jobs;
  Drain(true);
  for (const auto& [user, weight] : weights) {
    SetWeight(user, weight);
    jobs[user] = Submit(user, static_cast<int32_t>(75 * weight));
  }
  Drain(false);

  AwaitSucceeded(jobs["cy"], 60);
  const absl::Time came = absl::Now();
  jobs["dee"] = Submit("dee", 8);
  AwaitSucceeded(jobs["dee"], 1);
  // What is expected of everything that still waits.
  const absl::Time asked = absl::Now();
  std::map<std::string, absl::Time> expected;
  for (const auto& [user, job] : jobs) {
    for (const v1::Run& run : Runs(job)) {
      if (run.state() != v1::QUEUED) continue;
      ASSERT_TRUE(run.outlook().has_end_time()) << run.id();
      expected[run.id()] = FromProto(run.outlook().end_time());
    }
  }
  EXPECT_GE(expected.size(), 40u);

  std::vector<Held> held;
  for (const auto& [user, job] : jobs) {
    EXPECT_EQ(box_.Await(job).state(), v1::JOB_SUCCEEDED);
    const std::vector<Held> of_user = HeldBy(user, job);
    held.insert(held.end(), of_user.begin(), of_user.end());
  }

  // While all three compete: from the first start to the last start of the one who is out of runs first.
  absl::Time from = absl::InfiniteFuture();
  std::map<std::string, absl::Time> last_start;
  absl::Duration longest;
  for (const Held& one : held) {
    from = std::min(from, one.start);
    last_start[one.owner] = std::max(last_start[one.owner], one.start);
    longest = std::max(longest, one.end - one.start);
  }
  const absl::Time to = std::min({last_start["ada"], last_start["bob"], last_start["cy"]});
  std::map<std::string, absl::Duration> time;
  absl::Duration all;
  for (const Held& one : held) {
    if (weights.count(one.owner) == 0) continue;
    time[one.owner] += Overlap(one, from, to);
    all += Overlap(one, from, to);
  }
  for (const auto& [user, weight] : weights) {
    const double share = absl::FDivDuration(time[user], all);
    std::printf("%s: %.4f of the slot time, weight %.4f\n", user.c_str(), share, weight / 4);
    EXPECT_NEAR(share, weight / 4, 0.05 * weight / 4) << user;
  }

  const auto first_of_dee = std::min_element(held.begin(), held.end(), [](const Held& a, const Held& b) {
    return std::pair(a.owner != "dee", a.start) < std::pair(b.owner != "dee", b.start);
  });
  std::printf("the late user waited %s; the longest run took %s\n",
              absl::FormatDuration(first_of_dee->start - came).c_str(), absl::FormatDuration(longest).c_str());
  EXPECT_LE(first_of_dee->start - came, longest);

  std::vector<double> errors;
  for (const Held& one : held) {
    const auto found = expected.find(one.run);
    if (found == expected.end()) continue;
    errors.push_back(std::abs(absl::FDivDuration(found->second - one.end, one.end - asked)));
  }
  std::nth_element(errors.begin(), errors.begin() + static_cast<ptrdiff_t>(errors.size() / 2), errors.end());
  const double median = errors[errors.size() / 2];
  std::printf("ends expected of %zu queued runs: median error %.1f%% of the time until then\n", errors.size(),
              100 * median);
  EXPECT_LE(median, 0.25);
}

}  // namespace
}  // namespace skew
