// What is not kept, as clients of the daemon see it: deleted jobs, garbage, events that are gone.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "common/file.h"
#include "server/store/removals.h"
#include "tests/testing/grpc_peer.h"
#include "tests/testing/test_daemon.h"

namespace skew {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class RetentionDaemonTest : public ::testing::Test {
 protected:
  std::string Finished() {
    std::string id = daemon_.MustSubmit(TestDaemon::Spec("finish"));
    EXPECT_EQ(daemon_.Await(id).state(), v1::JOB_SUCCEEDED);
    return id;
  }

  // Restarts with another retention.
  void Keep(const Retention& retention) {
    daemon_.Stop();
    retention_ = retention;
    daemon_.Start();
  }

  grpc::Status Delete(const std::string& job, bool purge = false, const std::string& user = "") {
    grpc::ClientContext context;
    if (!user.empty()) daemon_.CallAs(context, user);
    v1::DeleteJobRequest request;
    request.set_job_id(job);
    request.set_purge(purge);
    return daemon_.jobs().DeleteJob(&context, request, &answer_);
  }
  grpc::Status Undelete(const std::string& job, const std::string& user = "") {
    grpc::ClientContext context;
    if (!user.empty()) daemon_.CallAs(context, user);
    v1::UndeleteJobRequest request;
    request.set_job_id(job);
    return daemon_.jobs().UndeleteJob(&context, request, &answer_);
  }
  std::vector<std::string> Studies(bool deleted) {
    grpc::ClientContext context;
    v1::ListJobsRequest request;
    request.mutable_filter()->set_kind(v1::STUDY);
    request.mutable_filter()->set_deleted(deleted);
    v1::ListJobsResponse response;
    EXPECT_TRUE(daemon_.jobs().ListJobs(&context, request, &response).ok());
    std::vector<std::string> ids;
    for (const v1::Job& job : response.jobs()) ids.push_back(job.id());
    return ids;
  }
  grpc::StatusCode GetStatus(const std::string& job) {
    grpc::ClientContext context;
    v1::GetJobRequest request;
    request.set_job_id(job);
    return daemon_.jobs().GetJob(&context, request, &answer_).error_code();
  }
  v1::CollectGarbageResponse Collect(bool dry_run) {
    grpc::ClientContext context;
    v1::CollectGarbageRequest request;
    request.set_dry_run(dry_run);
    v1::CollectGarbageResponse response;
    const grpc::Status status = daemon_.admin().CollectGarbage(&context, request, &response);
    EXPECT_TRUE(status.ok()) << status.error_message();
    return response;
  }
  // How a watch from a revision ends.
  grpc::Status WatchStatus(const std::string& job, int64_t after_revision) {
    grpc::ClientContext context;
    v1::WatchJobRequest request;
    request.set_job_id(job);
    request.set_after_revision(after_revision);
    const auto stream = daemon_.jobs().WatchJob(&context, request);
    v1::WatchJobResponse response;
    while (stream->Read(&response)) {
    }
    return stream->Finish();
  }
  std::vector<v1::ClassHistogram> Histograms(const std::string& job, int32_t page_size = 0) {
    std::vector<v1::ClassHistogram> histograms;
    v1::ListHistogramsRequest request;
    request.set_job_id(job);
    request.set_page_size(page_size);
    do {
      grpc::ClientContext context;
      v1::ListHistogramsResponse page;
      const grpc::Status status = daemon_.runs().ListHistograms(&context, request, &page);
      EXPECT_TRUE(status.ok()) << status.error_message();
      EXPECT_LE(page.histograms_size(), page_size > 0 ? page_size : 1000);
      histograms.insert(histograms.end(), page.histograms().begin(), page.histograms().end());
      request.set_page_token(page.next_page_token());
    } while (!request.page_token().empty());
    return histograms;
  }
  std::vector<std::string> FilesIn(const std::string& folder) {
    std::vector<std::string> names;
    for (const auto& entry : fs::recursive_directory_iterator(daemon_.folder() + "/state/" + folder)) {
      if (entry.is_regular_file()) names.push_back(entry.path().filename());
    }
    return names;
  }

  Retention retention_;
  v1::Job answer_;
  TestDaemon daemon_{[this](Daemon::Options& options) { options.retention = retention_; }};
};

TEST_F(RetentionDaemonTest, AJobIsDeletedUndeletedAndPurged) {
  const std::string job = Finished();
  ASSERT_TRUE(Delete(job).ok());
  EXPECT_TRUE(answer_.has_purge_time());
  EXPECT_THAT(Studies(false), IsEmpty());
  EXPECT_THAT(Studies(true), ElementsAre(job));
  EXPECT_EQ(GetStatus(job), grpc::StatusCode::OK);
  EXPECT_EQ(Delete(job).error_code(), grpc::StatusCode::FAILED_PRECONDITION);
  ASSERT_TRUE(Undelete(job).ok());
  EXPECT_FALSE(answer_.has_delete_time());
  EXPECT_THAT(Studies(false), ElementsAre(job));
  EXPECT_EQ(Undelete(job).error_code(), grpc::StatusCode::FAILED_PRECONDITION);
  EXPECT_EQ(Delete("j1").error_code(), grpc::StatusCode::FAILED_PRECONDITION);  // the judge
  EXPECT_THAT(FilesIn("logs"), testing::Contains(job + ".1-1.log"));
  ASSERT_TRUE(Delete(job, /*purge=*/true).ok());
  EXPECT_EQ(answer_.id(), job);
  EXPECT_EQ(GetStatus(job), grpc::StatusCode::NOT_FOUND);
  EXPECT_EQ(WatchStatus(job, 0).error_code(), grpc::StatusCode::NOT_FOUND);
  EXPECT_EQ(Undelete(job).error_code(), grpc::StatusCode::NOT_FOUND);
  EXPECT_EQ(FilesIn("artifacts").size(), 1u);  // the judge's weights
  EXPECT_THAT(FilesIn("logs"), ElementsAre("j1.1-1.log"));
}

TEST_F(RetentionDaemonTest, OnlyWhatHasEndedIsDeletedAndOnlyByItsOwnerOrAnAdmin) {
  const std::string open = daemon_.MustSubmit(TestDaemon::Spec("wait"));
  daemon_.WatchUntil(open, [](const v1::Event& event) { return event.run_state().state() == v1::RUNNING; });
  EXPECT_EQ(Delete(open, /*purge=*/true).error_code(), grpc::StatusCode::FAILED_PRECONDITION);
  grpc::ClientContext context;
  v1::CancelJobRequest cancel;
  cancel.set_job_id(open);
  ASSERT_TRUE(daemon_.jobs().CancelJob(&context, cancel, &answer_).ok());
  daemon_.Await(open);
  EXPECT_EQ(Delete(open, false, "bob").error_code(), grpc::StatusCode::PERMISSION_DENIED);
  EXPECT_EQ(Delete(open, true, "bob").error_code(), grpc::StatusCode::PERMISSION_DENIED);
  ASSERT_TRUE(Delete(open).ok());
  EXPECT_EQ(Undelete(open, "bob").error_code(), grpc::StatusCode::PERMISSION_DENIED);
  EXPECT_TRUE(Undelete(open).ok());
}

TEST_F(RetentionDaemonTest, ADryRunSaysWhatTheRealOneThenRemovesAndRemovesNothing) {
  Keep({.logs = absl::ZeroDuration(), .events = absl::ZeroDuration(), .deleted = absl::ZeroDuration()});
  const std::string purged = Finished();
  const std::string kept = Finished();
  ASSERT_TRUE(Delete(purged).ok());
  const std::vector<std::string> files = FilesIn("");
  const v1::CollectGarbageResponse looked = Collect(/*dry_run=*/true);
  EXPECT_THAT(looked.purged_jobs(), ElementsAre(purged));
  EXPECT_GE(looked.garbage_size(), 4);  // jobs, artifacts, logs, events
  EXPECT_EQ(FilesIn(""), files);
  EXPECT_EQ(GetStatus(purged), grpc::StatusCode::OK);
  EXPECT_EQ(Collect(/*dry_run=*/false).ShortDebugString(), looked.ShortDebugString());
  EXPECT_EQ(GetStatus(purged), grpc::StatusCode::NOT_FOUND);
  EXPECT_EQ(GetStatus(kept), grpc::StatusCode::OK);
  EXPECT_EQ(Collect(/*dry_run=*/true).ShortDebugString(), "");
  EXPECT_THAT(FilesIn("logs"), IsEmpty());
  // What is gone says so.
  grpc::ClientContext context;
  v1::ReadLogRequest request;
  request.set_run_id(kept + ".1");
  const auto log = daemon_.runs().ReadLog(&context, request);
  v1::ReadLogResponse response;
  EXPECT_FALSE(log->Read(&response));
  EXPECT_EQ(log->Finish().error_code(), grpc::StatusCode::NOT_FOUND);
}

TEST_F(RetentionDaemonTest, TheServerCollectsByItself) {
  const std::string job = Finished();
  ASSERT_TRUE(Delete(job).ok());
  // As if it had been deleted a week ago.
  ASSERT_TRUE(daemon_.daemon()
                  .connections()
                  .Write(absl::Now(),
                         [&](WriteScope& scope) {
                           return scope.db.Execute("UPDATE jobs SET purge_time = 2 WHERE purge_time IS NOT NULL");
                         })
                  .ok());
  daemon_.Stop();
  daemon_.Start();
  EXPECT_TRUE(Comes([&] { return GetStatus(job) == grpc::StatusCode::NOT_FOUND; }));
}

TEST_F(RetentionDaemonTest, WhatACrashLeftIsRemovedAtTheStart) {
  const std::string job = Finished();
  const std::vector<std::string> artifacts = FilesIn("artifacts");
  ASSERT_EQ(artifacts.size(), 2u);
  // The rows are gone and the daemon has died before the files were.
  ASSERT_TRUE(daemon_.daemon()
                  .connections()
                  .Write(absl::Now(),
                         [&](WriteScope& scope) -> absl::Status {
                           Statement row = scope.db.Prepare("SELECT digest FROM artifacts WHERE job_id > 1");
                           EXPECT_TRUE(row.Step());
                           const std::string digest = row.Text(0);
                           EXPECT_TRUE(scope.db.Execute("DELETE FROM artifacts WHERE job_id > 1").ok());
                           return AddContentRemoval(scope, digest);
                         })
                  .ok());
  EXPECT_EQ(FilesIn("artifacts").size(), 2u);
  daemon_.Stop();
  daemon_.Start();
  EXPECT_EQ(FilesIn("artifacts").size(), 1u);
}

TEST_F(RetentionDaemonTest, AWatchFromBeforeWhatIsKeptIsOutOfRange) {
  const std::string job = Finished();
  const std::vector<v1::ClassHistogram> histograms = Histograms(job);
  Keep({.events = absl::ZeroDuration()});
  Collect(false);
  const v1::Job compacted = daemon_.GetJob(job);
  EXPECT_GT(compacted.compacted_revision(), 0);
  EXPECT_LT(compacted.compacted_revision(), compacted.revision());
  for (const int64_t revision : {int64_t{0}, compacted.compacted_revision() - 1}) {
    const grpc::Status status = WatchStatus(job, revision);
    EXPECT_EQ(status.error_code(), grpc::StatusCode::OUT_OF_RANGE);
    EXPECT_THAT(status.error_message(),
                HasSubstr(absl::StrCat("watch from revision ", compacted.compacted_revision(), " on")));
  }
  const std::vector<v1::WatchJobResponse> rest = daemon_.Watch(job, compacted.compacted_revision());
  ASSERT_EQ(rest.size(), 2u);
  EXPECT_EQ(rest[0].event().revision(), compacted.revision());
  EXPECT_EQ(rest[1].end().cause(), v1::StreamEnd::JOB_FINISHED);
  // Nothing but events is gone.
  EXPECT_EQ(daemon_.GetRun(job + ".1").histogram().images(), 45);
  const std::vector<v1::ClassHistogram> still = Histograms(job);
  ASSERT_EQ(still.size(), 2u);
  for (size_t i = 0; i < still.size(); ++i) EXPECT_EQ(still[i].ShortDebugString(), histograms[i].ShortDebugString());
}

// The watcher does not read; what the connection holds is far less than there is to send.
TEST_F(RetentionDaemonTest, AWatchThatFallsBehindWhatIsKeptEndsWithThat) {
  Keep({.events = absl::ZeroDuration()});
  const std::string job = Finished();
  const int64_t before = daemon_.GetJob(job).revision();
  const JobId id = *JobId::Parse(job);
  constexpr int kEvents = 320;
  ASSERT_TRUE(daemon_.daemon()
                  .connections()
                  .Write(absl::Now() - absl::Hours(1),
                         [&](WriteScope& scope) -> absl::Status {
                           for (int i = 0; i < kEvents; ++i) {
                             v1::Event large;
                             large.mutable_artifact()->set_name(std::string(100'000, 'x'));
                             absl::Status appended = AppendEvent(scope, id, large);
                             if (!appended.ok()) return appended;
                           }
                           return absl::OkStatus();
                         })
                  .ok());
  grpc::ClientContext context;
  v1::WatchJobRequest request;
  request.set_job_id(job);
  request.set_after_revision(before);
  const auto stream = daemon_.jobs().WatchJob(&context, request);
  v1::WatchJobResponse response;
  ASSERT_TRUE(stream->Read(&response));
  Collect(false);
  int events = 1;
  int64_t last = response.event().revision();
  while (stream->Read(&response) && response.has_event()) {
    ++events;
    EXPECT_EQ(response.event().revision(), last + 1);
    last = response.event().revision();
  }
  EXPECT_LT(events, kEvents);
  EXPECT_EQ(response.end().cause(), v1::StreamEnd::COMPACTED);
  EXPECT_EQ(response.end().revision(), last);
  EXPECT_FALSE(stream->Read(&response));
  EXPECT_TRUE(stream->Finish().ok());
  // The job's own revision is where to go on.
  EXPECT_EQ(daemon_.Watch(job, daemon_.GetJob(job).revision()).back().end().cause(), v1::StreamEnd::JOB_FINISHED);
}

TEST_F(RetentionDaemonTest, ARunAnsweredFromAPurgedJobIsWhole) {
  daemon_.AllowReuse();
  const std::string source = Finished();
  const std::string copy = Finished();
  ASSERT_EQ(daemon_.GetJob(copy).runs().reused(), 1);
  ASSERT_TRUE(Delete(source, /*purge=*/true).ok());
  const v1::Run run = daemon_.GetRun(copy + ".1");
  EXPECT_EQ(run.reused_from(), source + ".1");
  EXPECT_TRUE(run.histogram().final());
  EXPECT_EQ(Histograms(copy).size(), 2u);
  grpc::ClientContext context;
  v1::ReadArtifactRequest request;
  request.set_run_id(copy + ".1");
  request.set_name("samples.txt");
  const auto stream = daemon_.artifacts().ReadArtifact(&context, request);
  v1::ReadArtifactResponse response;
  std::string content;
  while (stream->Read(&response)) content += response.data();
  EXPECT_TRUE(stream->Finish().ok());
  EXPECT_EQ(content, "samples of " + source + ".1");
}

TEST_F(RetentionDaemonTest, HistogramsAreListedByRunAndStepInPages) {
  v1::JobSpec spec = TestDaemon::Spec("finish");
  spec.set_iterations(3);
  const std::string job = daemon_.MustSubmit(spec);
  daemon_.Await(job);
  for (const int32_t page_size : {0, 1, 2, 5, 6}) {
    std::vector<std::string> found;
    for (const v1::ClassHistogram& histogram : Histograms(job, page_size)) {
      found.push_back(absl::StrCat(histogram.run_id(), histogram.final() ? " final " : " ", histogram.step()));
    }
    EXPECT_THAT(found, ElementsAre(job + ".1 2", job + ".1 final 3", job + ".2 2", job + ".2 final 3", job + ".3 2",
                                   job + ".3 final 3"));
  }
  for (const char* token : {"x", "j1.1-0-0", "j2.1-0", "j2.1-x-0"}) {
    grpc::ClientContext context;
    v1::ListHistogramsRequest request;
    request.set_job_id(job);
    request.set_page_token(token);
    v1::ListHistogramsResponse page;
    EXPECT_EQ(daemon_.runs().ListHistograms(&context, request, &page).error_code(), grpc::StatusCode::INVALID_ARGUMENT)
        << token;
  }
}

}  // namespace
}  // namespace skew
