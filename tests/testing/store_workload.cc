#include "tests/testing/store_workload.h"

#include <sys/stat.h>

#include <cerrno>
#include <filesystem>
#include <thread>

#include "absl/strings/str_cat.h"
#include "common/digest.h"
#include "common/file.h"
#include "common/run_state.h"
#include "common/status.h"
#include "tests/testing/test_store.h"

namespace skew {
namespace {

worker::v1::Report Started() {
  worker::v1::Report report;
  report.mutable_started()->set_manifest_digest("manifest");
  report.mutable_started()->set_precision(v1::FP32);
  return report;
}

worker::v1::Report ProgressAt(int32_t step) {
  worker::v1::Report report;
  report.mutable_progress()->set_step(step);
  report.mutable_progress()->set_total_steps(3);
  return report;
}

worker::v1::Report HistogramAt(int32_t step, bool final) {
  worker::v1::Report report;
  v1::ClassHistogram& histogram = *report.mutable_histogram();
  histogram.set_step(step);
  histogram.set_final(final);
  histogram.set_classifier_digest("judge");
  (*histogram.mutable_counts())[0] = 7;
  histogram.set_images(7);
  return report;
}

absl::Status Expect(bool right, const std::string& problem) {
  return right ? absl::OkStatus() : absl::DataLossError(problem);
}

NewJob JobOf(const std::string& request, const std::string& owner, int runs) {
  NewJob job = TestStore::Study(runs, owner);
  job.request_id = request;
  return job;
}

}  // namespace

StoreWorkload::StoreWorkload(std::string root, OnPromise on_promise, OnError on_error)
    : root_(std::move(root)), on_promise_(std::move(on_promise)), on_error_(std::move(on_error)) {}

absl::Status StoreWorkload::Retry(const std::function<absl::Status()>& step) {
  while (true) {
    absl::Status status = step();
    if (status.ok() || !on_error_ || !on_error_(status)) return status;
  }
}

void StoreWorkload::Promised(std::string what, std::function<absl::Status(OpenedStore&)> check) {
  if (promises_) on_promise_({std::move(what), std::move(check)});
}

absl::Status StoreWorkload::Open() {
  store_ = nullptr;
  return Retry([&]() -> absl::Status {
    SKEW_ASSIGN_OR_RETURN(store_, OpenedStore::Open(root_));
    return absl::OkStatus();
  });
}

absl::Status StoreWorkload::Submit(const std::string& request, const std::string& owner, int runs, JobId* id) {
  const NewJob job = JobOf(request, owner, runs);
  std::string submitted;
  SKEW_RETURN_IF_ERROR(Retry([&]() -> absl::Status {
    SKEW_ASSIGN_OR_RETURN(const Submission submission,
                          store_->jobs.Submit(job, {TestStore::Training()}, TestStore::Ada()));
    submitted = submission.job.id();
    return absl::OkStatus();
  }));
  Promised(absl::StrCat("submission ", request), [job, submitted](OpenedStore& store) -> absl::Status {
    SKEW_ASSIGN_OR_RETURN(const Submission again, store.jobs.Submit(job, {TestStore::Training()}, TestStore::Ada()));
    return Expect(again.existing && again.job.id() == submitted &&
                      again.job.runs().total() == static_cast<int32_t>(job.runs.size()),
                  absl::StrCat("request ", job.request_id, " is now ", again.job.id(), ", not ", submitted));
  });
  if (id != nullptr) {
    SKEW_ASSIGN_OR_RETURN(*id, JobId::Parse(submitted));
  }
  return absl::OkStatus();
}

absl::Status StoreWorkload::SubmitAtOnce(int threads, int each) {
  absl::Mutex mutex;
  absl::Status result;
  std::vector<std::thread> users;
  users.reserve(static_cast<size_t>(threads));
  for (int user = 0; user < threads; ++user) {
    users.emplace_back([&, user] {
      for (int i = 0; i < each; ++i) {
        absl::Status status = Submit(absl::StrCat("at once ", user, ".", i), absl::StrCat("user", user), 2);
        absl::MutexLock lock(&mutex);
        result.Update(status);
      }
    });
  }
  for (std::thread& user : users) user.join();
  return result;
}

absl::Status StoreWorkload::Claim(AttemptId& attempt) {
  const std::string token = absl::StrCat("token ", ++tokens_);
  SKEW_RETURN_IF_ERROR(Retry([&] { return store_->queue.SettleWaits(); }));
  SKEW_RETURN_IF_ERROR(Retry([&]() -> absl::Status {
    SKEW_ASSIGN_OR_RETURN(const QueuePicture picture, store_->queue.ReadReady(1));
    for (const QueueUser& user : picture.users) {
      for (const QueueRow& row : user.rows) {
        SKEW_ASSIGN_OR_RETURN(const auto claim, store_->runs.ClaimOneOf(row.key, {"cpu0", "cpu x1"}, token));
        if (!claim.has_value()) continue;
        attempt = claim->attempt;
        return absl::OkStatus();
      }
    }
    return absl::NotFoundError("nothing to claim");
  }));
  SKEW_RETURN_IF_ERROR(Retry([&] { return store_->runs.RecordProcess(attempt, {4711, 1, "boot"}); }));
  Promised(absl::StrCat("claim of ", attempt.ToString()),
           [attempt](OpenedStore& store) { return store.runs.LastReport(attempt).status(); });
  return absl::OkStatus();
}

absl::Status StoreWorkload::Report(const AttemptId& attempt, int64_t number, worker::v1::Report report) {
  report.set_number(number);
  SKEW_RETURN_IF_ERROR(Retry([&] { return store_->runs.ApplyReport(attempt, report); }));
  Promised(absl::StrCat("report ", number, " of ", attempt.ToString()),
           [attempt, number](OpenedStore& store) -> absl::Status {
             SKEW_ASSIGN_OR_RETURN(const int64_t last, store.runs.LastReport(attempt));
             return Expect(last >= number, absl::StrCat("the last report is ", last));
           });
  return absl::OkStatus();
}

// As a worker and the daemon do: the file is complete in the run's own folder before it is reported.
absl::Status StoreWorkload::HandOver(const AttemptId& attempt, int64_t number, const std::string& name,
                                     const std::string& content) {
  const std::string folder = store_->state.WorkDir(attempt.run);
  const std::string file = absl::StrCat(folder, "/", name);
  const std::string digest = Sha256Hex(content);
  SKEW_RETURN_IF_ERROR(Retry([&]() -> absl::Status {
    if (mkdir(folder.c_str(), 0700) != 0 && errno != EEXIST) return SystemError(errno, "the work folder");
    return WriteFileAtomically(file, content);
  }));
  const auto size = static_cast<int64_t>(content.size());
  SKEW_RETURN_IF_ERROR(Retry([&] { return store_->artifacts.Import(file, digest, size); }));
  worker::v1::Report report;
  report.mutable_artifact()->set_name(name);
  report.mutable_artifact()->set_file(name);
  report.mutable_artifact()->set_digest(digest);
  report.mutable_artifact()->set_size_bytes(size);
  SKEW_RETURN_IF_ERROR(Report(attempt, number, std::move(report)));
  const RunId run = attempt.run;
  Promised(absl::StrCat("artifact ", name, " of ", run.ToString()),
           [run, name](OpenedStore& store) { return store.artifacts.Find(run, name).status(); });
  return absl::OkStatus();
}

absl::Status StoreWorkload::End(const AttemptId& attempt, v1::RunState state, v1::Reason reason) {
  bool ended = false;  // whether an earlier try had come through in spite of its error
  SKEW_RETURN_IF_ERROR(Retry([&]() -> absl::Status {
    const auto open = store_->runs.OpenAttempts();
    SKEW_RETURN_IF_ERROR(open.status());
    ended = true;
    for (const OpenAttempt& one : *open) ended = ended && one.attempt != attempt;
    if (ended) return absl::OkStatus();
    return store_->runs.EndAttempt(attempt,
                                   [&](const AttemptFacts&) {
                                     return AttemptEnd{state, reason, "ended"};
                                   })
        .status();
  }));
  if (IsTerminal(state)) {
    SKEW_RETURN_IF_ERROR(Retry([&] {
      std::error_code error;
      std::filesystem::remove_all(store_->state.WorkDir(attempt.run), error);
      return error ? SystemError(error.value(), "the work folder") : absl::OkStatus();
    }));
  }
  Promised(absl::StrCat("end of ", attempt.ToString()), [attempt, state](OpenedStore& store) -> absl::Status {
    SKEW_ASSIGN_OR_RETURN(const v1::Run run, store.jobs.GetRun(attempt.run));
    const v1::Attempt& last = run.attempts(attempt.number - 1);
    SKEW_RETURN_IF_ERROR(Expect(last.has_end_time(), "the attempt goes on"));
    return Expect(state == v1::QUEUED || run.state() == state, v1::RunState_Name(run.state()));
  });
  return absl::OkStatus();
}

absl::Status StoreWorkload::TrainJudge() {
  AttemptId attempt;
  SKEW_RETURN_IF_ERROR(Claim(attempt));
  SKEW_RETURN_IF_ERROR(Report(attempt, 1, Started()));
  SKEW_RETURN_IF_ERROR(HandOver(attempt, 2, "classifier.pt", std::string(20'000, 'w')));
  worker::v1::Report finished;
  finished.mutable_finished()->mutable_classifier()->set_digest("judge");
  SKEW_RETURN_IF_ERROR(Report(attempt, 3, std::move(finished)));
  return End(attempt, v1::SUCCEEDED);
}

absl::Status StoreWorkload::TrainRun(const AttemptId& attempt, v1::RunState end) {
  SKEW_RETURN_IF_ERROR(Report(attempt, 1, Started()));
  SKEW_RETURN_IF_ERROR(Report(attempt, 2, ProgressAt(1)));
  if (end == v1::QUEUED) return End(attempt, end, v1::WORKER_LOST);
  SKEW_RETURN_IF_ERROR(Report(attempt, 3, HistogramAt(1, false)));
  SKEW_RETURN_IF_ERROR(HandOver(attempt, 4, "weights.pt", std::string(5'000, 'a') + attempt.run.ToString()));
  SKEW_RETURN_IF_ERROR(HandOver(attempt, 5, "losses.csv", "the same for all"));
  SKEW_RETURN_IF_ERROR(Report(attempt, 6, HistogramAt(3, true)));
  worker::v1::Report finished;
  finished.mutable_finished();
  SKEW_RETURN_IF_ERROR(Report(attempt, 7, std::move(finished)));
  return End(attempt, end);
}

absl::Status StoreWorkload::Cancel(JobId job) {
  SKEW_RETURN_IF_ERROR(Retry([&] {
    const absl::Status status = store_->jobs.Cancel(job, TestStore::Ada()).status();
    return absl::IsFailedPrecondition(status) ? absl::OkStatus() : status;  // it was cancelled in spite of an error
  }));
  Promised(absl::StrCat("cancel of ", job.ToString()), [job](OpenedStore& store) -> absl::Status {
    SKEW_ASSIGN_OR_RETURN(const v1::Job now, store.jobs.Get(job));
    return Expect(now.runs().queued() == 0, "it has queued runs");
  });
  return absl::OkStatus();
}

// Puts what is in the log into the database, as SQLite does by itself every so many pages.
absl::Status StoreWorkload::ReturnJournal(const std::string& mode) {
  return Retry([&]() -> absl::Status {
    SKEW_ASSIGN_OR_RETURN(const auto db,
                          Database::Open(store_->state.Database(), Database::Mode::kReadWriteCreate, absl::Seconds(5)));
    return db->Execute(absl::StrCat("PRAGMA wal_checkpoint(", mode, ")"));
  });
}

absl::Status StoreWorkload::BackUp(const std::string& name) {
  SKEW_RETURN_IF_ERROR(Retry([&]() -> absl::Status {
    const auto backup = store_->backups.BackUp(
        name, [] { return true; }, TestStore::Ada());
    return absl::IsAlreadyExists(backup.status()) ? absl::OkStatus() : backup.status();
  }));
  Promised(absl::StrCat("backup ", name), [name](OpenedStore& store) -> absl::Status {
    const std::string folder = absl::StrCat(store.state.Backups(), "/", name);
    SKEW_RETURN_IF_ERROR(ReadFile(absl::StrCat(folder, "/", kManifestFile)).status());
    SKEW_ASSIGN_OR_RETURN(const auto db, Database::Open(absl::StrCat(folder, "/", kBackedUpDatabase),
                                                        Database::Mode::kReadOnly, absl::Seconds(1)));
    SKEW_RETURN_IF_ERROR(db->CheckIntegrity());
    Statement row = db->Prepare("SELECT digest, size_bytes FROM artifacts ORDER BY digest");
    while (row.Step()) {
      const StoredContent content{row.Text(0), row.Int(1)};
      SKEW_RETURN_IF_ERROR(
          CheckContent(absl::StrCat(folder, "/", kBackedUpArtifacts, StoredName(content.digest)), content));
    }
    return row.status();
  });
  return absl::OkStatus();
}

// A job of which nothing stays but what others have, too. Nothing of it is promised: it is to go.
absl::Status StoreWorkload::TrainAndPurge() {
  promises_ = false;
  JobId job;
  AttemptId attempt;
  SKEW_RETURN_IF_ERROR(Submit("to be purged", "bob", 1, &job));
  SKEW_RETURN_IF_ERROR(Claim(attempt));
  const RunId run = attempt.run;
  SKEW_RETURN_IF_ERROR(TrainRun(attempt, v1::SUCCEEDED));
  promises_ = true;
  SKEW_RETURN_IF_ERROR(Expect(run.job == job, "another run was claimed"));
  std::string weights;
  SKEW_RETURN_IF_ERROR(Retry([&]() -> absl::Status {
    SKEW_ASSIGN_OR_RETURN(const v1::Artifact content, store_->artifacts.Find(run, "weights.pt"));
    weights = absl::StrCat(store_->state.Artifacts(), StoredName(content.digest()));
    return absl::OkStatus();
  }));
  SKEW_RETURN_IF_ERROR(Retry([&] {
    const absl::Status status = store_->deletion.Purge(job, JobDeletion::When::kNow, TestStore::Ada()).status();
    return absl::IsNotFound(status) ? absl::OkStatus() : status;  // it was purged in spite of an error
  }));
  Promised(absl::StrCat("purge of ", job.ToString()), [job, weights](OpenedStore& store) -> absl::Status {
    SKEW_RETURN_IF_ERROR(Expect(absl::IsNotFound(store.jobs.Get(job).status()), "it is there again"));
    // As the next collection does with what an error had left.
    const absl::Status rest = store.deletion.Purge(job, JobDeletion::When::kDue, TestStore::Ada()).status();
    if (!absl::IsNotFound(rest)) SKEW_RETURN_IF_ERROR(rest);
    SKEW_RETURN_IF_ERROR(store.removals.Finish());
    return Expect(!std::filesystem::exists(weights), "its weights are there still, or again");
  });
  return absl::OkStatus();
}

absl::Status StoreWorkload::Run() {
  AttemptId attempt;
  JobId first;
  JobId second;
  SKEW_RETURN_IF_ERROR(Open());
  SKEW_RETURN_IF_ERROR(Submit("first", "ada", 3, &first));
  SKEW_RETURN_IF_ERROR(TrainJudge());
  SKEW_RETURN_IF_ERROR(Claim(attempt));
  SKEW_RETURN_IF_ERROR(TrainRun(attempt, v1::SUCCEEDED));
  SKEW_RETURN_IF_ERROR(ReturnJournal("PASSIVE"));
  SKEW_RETURN_IF_ERROR(Claim(attempt));
  SKEW_RETURN_IF_ERROR(TrainRun(attempt, v1::QUEUED));
  SKEW_RETURN_IF_ERROR(Claim(attempt));
  SKEW_RETURN_IF_ERROR(TrainRun(attempt, v1::SUCCEEDED));
  SKEW_RETURN_IF_ERROR(Submit("second", "bob", 2, &second));
  SKEW_RETURN_IF_ERROR(Retry([&] { return store_->queue.SetPaused(second, true, TestStore::Ada()).status(); }));
  SKEW_RETURN_IF_ERROR(Cancel(second));
  SKEW_RETURN_IF_ERROR(Claim(attempt));
  SKEW_RETURN_IF_ERROR(Report(attempt, 1, Started()));
  SKEW_RETURN_IF_ERROR(Cancel(first));
  SKEW_RETURN_IF_ERROR(End(attempt, v1::CANCELLED, v1::CANCEL_REQUESTED));
  SKEW_RETURN_IF_ERROR(BackUp("b1"));
  SKEW_RETURN_IF_ERROR(ReturnJournal("TRUNCATE"));
  SKEW_RETURN_IF_ERROR(TrainAndPurge());
  SKEW_RETURN_IF_ERROR(SubmitAtOnce(3, 3));
  SKEW_RETURN_IF_ERROR(Open());
  SKEW_RETURN_IF_ERROR(Submit("after a restart", "ada", 1));
  SKEW_RETURN_IF_ERROR(Claim(attempt));
  SKEW_RETURN_IF_ERROR(TrainRun(attempt, v1::SUCCEEDED));
  store_ = nullptr;
  return absl::OkStatus();
}

}  // namespace skew
