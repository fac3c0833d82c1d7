#include "tests/testing/test_store.h"

#include <gtest/gtest.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>

namespace skew {

TestStore::TestStore(const std::function<void(const std::string&)>& prepare) {
  if (prepare) prepare(database());
  std::filesystem::create_directory(folder_ + "/artifacts");
  std::filesystem::create_directory(folder_ + "/quarantine");
  absl::StatusOr<std::unique_ptr<Connections>> connections = Connections::Open(database());
  if (!connections.ok()) {
    std::fprintf(stderr, "%s\n", connections.status().ToString().c_str());
    std::abort();
  }
  connections_ = *std::move(connections);
  jobs_ = std::make_unique<JobStore>(connections_.get(), &clock_);
  runs_ = std::make_unique<RunStore>(connections_.get(), &clock_);
  queue_ = std::make_unique<QueueStore>(connections_.get(), &clock_, absl::Hours(24));
  events_ = std::make_unique<EventLog>(connections_.get());
  artifacts_ =
      std::make_unique<ArtifactStore>(connections_.get(), &clock_, folder_ + "/artifacts", folder_ + "/quarantine");
  removals_ = std::make_unique<Removals>(connections_.get(), &clock_, folder_);
  deletion_ = std::make_unique<JobDeletion>(connections_.get(), removals_.get(), &clock_, absl::Hours(7 * 24));
  access_ = std::make_unique<AccessStore>(connections_.get(), &clock_);
  reuse_ = std::make_unique<ReuseStore>(connections_.get());
  EXPECT_TRUE(queue_->Open().ok());
}

NewJob TestStore::Study(int runs, const std::string& owner, const std::map<std::string, std::string>& labels) {
  NewJob job;
  job.owner = owner;
  job.request_digest = "digest";
  job.dataset_digest = "dataset";
  job.classifier_key = "key";
  job.spec.set_dataset("tiny");
  job.spec.set_max_attempts(3);
  job.spec.mutable_labels()->insert(labels.begin(), labels.end());
  for (int i = 0; i < runs; ++i) job.runs.emplace_back().set_model("vae");
  return job;
}

NewJob TestStore::Training(const std::string& owner) {
  NewJob job = Study(1, owner);
  job.kind = v1::CLASSIFIER_TRAINING;
  job.spec.mutable_classifier();
  return job;
}

JobId TestStore::MustSubmit(const NewJob& job) {
  std::vector<NewJob> trainings = {Training()};
  for (const std::string& key : job.more_judge_keys) {
    trainings.push_back(Training());
    trainings.back().classifier_key = key;
  }
  const absl::StatusOr<Submission> submission = jobs_->Submit(job, trainings, Ada());
  EXPECT_TRUE(submission.ok()) << submission.status();
  return submission.ok() ? JobId::Parse(submission->job.id()).value_or(JobId()) : JobId();
}

std::optional<Claim> TestStore::ClaimNext(const std::string& token_digest) {
  EXPECT_TRUE(queue_->SettleWaits().ok());
  while (true) {
    const absl::StatusOr<QueuePicture> picture = queue_->ReadReady(1);
    EXPECT_TRUE(picture.ok()) << picture.status();
    bool any = false;
    for (const QueueUser& user : picture->users) {
      for (const QueueRow& row : user.rows) {
        if (row.ready_at > absl::Now()) continue;
        any = true;
        absl::StatusOr<std::optional<Claim>> claim = runs_->ClaimOneOf(row.key, {"cpu0", "cpu x1"}, token_digest);
        EXPECT_TRUE(claim.ok()) << claim.status();
        if (claim->has_value()) return *std::move(claim);
      }
    }
    if (!any) return std::nullopt;
  }
}

void TestStore::MustExecute(const std::string& sql) {
  const absl::Status status =
      connections_->Write(absl::UnixEpoch(), [&](WriteScope& scope) { return scope.db.Execute(sql); });
  EXPECT_TRUE(status.ok()) << status;
}

int64_t TestStore::MustRead(const std::string& sql) {
  int64_t value = 0;
  const absl::Status status = connections_->Read([&](Database& db) {
    Statement row = db.Prepare(sql);
    if (row.Step()) value = row.Int(0);
    return row.status();
  });
  EXPECT_TRUE(status.ok()) << status;
  return value;
}

}  // namespace skew
