#include "tests/bench/store_generator.h"

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "common/clock.h"
#include "common/digest.h"
#include "common/expansion.h"
#include "common/file.h"
#include "common/status.h"
#include "server/api/spec_defaults.h"
#include "server/store/connections.h"
#include "server/store/job_store.h"
#include "server/store/queue_rows.h"

namespace skew {
namespace {

constexpr char kClassifierKey[] = "generated";
constexpr int64_t kJobsPerTransaction = 500;

Actor Generator() { return {"ada", "login ada"}; }

NewJob JobNumber(int number, const GeneratedStudies& studies, int runs) {
  NewJob job;
  job.owner = number % 100 == 0 ? "grace" : "ada";
  job.request_digest = "generated";
  job.spec = studies.spec;
  job.spec.set_name(absl::StrCat("generated-", number));
  (*job.spec.mutable_labels())["group"] = absl::StrCat(number % 10);
  if (number % 1000 == 0) (*job.spec.mutable_labels())["rare"] = "yes";
  FillDefaults(job.spec);
  job.dataset_digest = studies.dataset_digest;
  job.classifier_key = kClassifierKey;
  job.runs = Expand(job.spec);
  const v1::Run one = job.runs.front();
  job.runs.resize(static_cast<size_t>(runs), one);
  return job;
}

// With weights: without them its studies would wait.
absl::Status WriteClassifier(Connections& connections, const std::string& state_dir) {
  const std::string weights = "weights";
  const std::string digest = Sha256Hex(weights);
  const std::string folder = absl::StrCat(state_dir, "/artifacts/", digest.substr(0, 2));
  std::filesystem::create_directories(folder);
  SKEW_RETURN_IF_ERROR(WriteFileAtomically(absl::StrCat(folder, "/", digest), weights));
  return connections.Write(absl::Now(), [&](WriteScope& scope) {
    v1::Classifier classifier;
    classifier.set_digest("generated");
    classifier.set_job_id("j1");
    SKEW_RETURN_IF_ERROR(scope.db
                             .Prepare("INSERT INTO artifacts (job_id, run_number, name, media_type, digest, "
                                      "size_bytes, create_time) VALUES (1, 1, 'classifier.pt', "
                                      "'application/octet-stream', ?, ?, ?)")
                             .Bind(digest)
                             .Bind(static_cast<int64_t>(weights.size()))
                             .Bind(scope.now)
                             .Run());
    return scope.db.Prepare("INSERT OR REPLACE INTO classifiers (key, digest, job_id, data) VALUES (?, ?, 1, ?)")
        .Bind(kClassifierKey)
        .Bind("generated")
        .Bind(classifier)
        .Run();
  });
}

// Jobs 2 to kTemplates + 1 are submitted, the others are copies of them.
constexpr int kTemplates = 12;

// The job that job number `number` looks like: one in 1000, one in 100, and otherwise one for each group.
int TemplateOf(int number) {
  if (number % 1000 == 0) return 11;
  if (number % 100 == 0) return 10;
  return number % 10;
}

absl::Status SubmitTemplates(JobStore& jobs, const StoreSize& size, const GeneratedStudies& studies) {
  for (const int number : {10, 1, 2, 3, 4, 5, 6, 7, 8, 9, 100, 1000}) {
    SKEW_RETURN_IF_ERROR(jobs.Submit(JobNumber(number, studies, size.runs_per_job), {}, Generator()).status());
  }
  return absl::OkStatus();
}

// The columns of a table that can be copied, besides `key`: all but those that are computed or counted.
std::string ColumnsOf(Database& db, const std::string& table, const std::string& key) {
  Statement row = db.Prepare("SELECT name FROM pragma_table_info(?) ORDER BY cid");
  row.Bind(table);
  std::vector<std::string> columns;
  while (row.Step()) {
    const std::string name = row.Text(0);
    if (name != key && !absl::StartsWith(name, "runs_")) columns.push_back(name);
  }
  return absl::StrJoin(columns, ", ");
}

absl::Status CopyJob(Database& db, int64_t from) {
  const std::string jobs = ColumnsOf(db, "jobs", "id");
  SKEW_RETURN_IF_ERROR(
      db.Prepare(absl::StrCat("INSERT INTO jobs (", jobs, ") SELECT ", jobs, " FROM jobs WHERE id = ?"))
          .Bind(from)
          .Run());
  const int64_t id = db.LastInsertedId();
  for (const std::string table : {"runs", "job_labels"}) {
    const std::string columns = ColumnsOf(db, table, "job_id");
    SKEW_RETURN_IF_ERROR(db.Prepare(absl::StrCat("INSERT INTO ", table, " (job_id, ", columns, ") SELECT ?, ", columns,
                                                 " FROM ", table, " WHERE job_id = ?"))
                             .Bind(id)
                             .Bind(from)
                             .Run());
  }
  return absl::OkStatus();
}

absl::Status CopyJobs(Connections& connections, const StoreSize& size) {
  for (int64_t first = kTemplates + 1; first <= size.jobs; first += kJobsPerTransaction) {
    SKEW_RETURN_IF_ERROR(connections.Write(absl::Now(), [&](WriteScope& scope) -> absl::Status {
      for (int64_t number = first; number < first + kJobsPerTransaction && number <= size.jobs; ++number) {
        SKEW_RETURN_IF_ERROR(CopyJob(scope.db, 2 + TemplateOf(static_cast<int>(number))));
      }
      return absl::OkStatus();
    }));
  }
  return absl::OkStatus();
}

// Of the runs of a study; the first job is the training of the judge, the studies follow.
v1::RunState StateOf(int64_t job, const StoreSize& size) {
  if (job > 1 + size.jobs - size.jobs / 100) return v1::QUEUED;
  return job % 10 == 3 ? v1::FAILED : v1::SUCCEEDED;
}

absl::Status EndRun(WriteScope& scope, RunId run, v1::RunState state) {
  SKEW_RETURN_IF_ERROR(scope.db
                           .Prepare("UPDATE runs SET state = ?, attempts = 1, start_time = ?, end_time = ? "
                                    "WHERE job_id = ? AND number = ?")
                           .Bind(state)
                           .Bind(scope.now)
                           .Bind(scope.now)
                           .Bind(run.job.number)
                           .Bind(run.number)
                           .Run());
  SKEW_RETURN_IF_ERROR(scope.db
                           .Prepare("INSERT INTO attempts (job_id, run_number, number, token_digest, state, device, "
                                    "start_time, end_time) VALUES (?, ?, 1, ?, ?, 'cpu0', ?, ?)")
                           .Bind(run.job.number)
                           .Bind(run.number)
                           .Bind(Sha256Hex(run.ToString()))
                           .Bind(state)
                           .Bind(scope.now)
                           .Bind(scope.now)
                           .Run());
  v1::ClassHistogram histogram;
  histogram.set_run_id(run.ToString());
  histogram.set_final(true);
  for (int label = 0; label < 10; ++label) (*histogram.mutable_counts())[label] = 1000;
  return scope.db.Prepare("INSERT INTO histograms (job_id, run_number, final, step, data) VALUES (?, ?, 1, 6000, ?)")
      .Bind(run.job.number)
      .Bind(run.number)
      .Bind(histogram)
      .Run();
}

absl::Status AppendHistory(WriteScope& scope, JobId job, const StoreSize& size) {
  Statement last = scope.db.Prepare("SELECT last_sequence FROM jobs WHERE id = ?");
  int64_t sequence = last.Bind(job.number).Step() ? last.Int(0) : 0;
  SKEW_RETURN_IF_ERROR(last.status());
  for (int i = 0; i < size.runs_per_job * size.events_per_run; ++i) {
    v1::Event event;
    v1::RunProgressed& progressed = *event.mutable_progress();
    progressed.set_run_id(RunId{job, 1 + i % size.runs_per_job}.ToString());
    progressed.set_attempt(1);
    progressed.mutable_progress()->set_step(i);
    progressed.mutable_progress()->set_total_steps(6000);
    (*progressed.mutable_progress()->mutable_metrics())["loss_d"] = 1.0 / (1 + i);
    (*progressed.mutable_progress()->mutable_metrics())["loss_g"] = 2.0 / (1 + i);
    SKEW_RETURN_IF_ERROR(scope.db.Prepare("INSERT INTO events (job_id, sequence, time, data) VALUES (?, ?, ?, ?)")
                             .Bind(job.number)
                             .Bind(++sequence)
                             .Bind(scope.now)
                             .Bind(event)
                             .Run());
  }
  return scope.db.Prepare("UPDATE jobs SET last_revision = ?, last_sequence = ? WHERE id = ?")
      .Bind(scope.db.LastInsertedId())
      .Bind(sequence)
      .Bind(job.number)
      .Run();
}

absl::Status WriteHistory(Connections& connections, const StoreSize& size) {
  SKEW_RETURN_IF_ERROR(connections.Write(absl::Now(), [](WriteScope& scope) {
    return EndRun(scope, RunId{JobId{1}, 1}, v1::SUCCEEDED);
  }));
  const int64_t last = 1 + size.jobs;
  for (int64_t first = 2; first <= last; first += kJobsPerTransaction) {
    SKEW_RETURN_IF_ERROR(connections.Write(absl::Now(), [&](WriteScope& scope) -> absl::Status {
      for (int64_t job = first; job < first + kJobsPerTransaction && job <= last; ++job) {
        const v1::RunState state = StateOf(job, size);
        for (int run = 1; state != v1::QUEUED && run <= size.runs_per_job; ++run) {
          SKEW_RETURN_IF_ERROR(EndRun(scope, RunId{JobId{job}, run}, state));
        }
        SKEW_RETURN_IF_ERROR(AppendHistory(scope, JobId{job}, size));
      }
      return absl::OkStatus();
    }));
  }
  return absl::OkStatus();
}

// The queue as the copied runs have made it.
absl::Status WriteQueue(Connections& connections, const StoreSize& size) {
  return connections.Write(absl::Now(), [&](WriteScope& scope) -> absl::Status {
    SKEW_RETURN_IF_ERROR(scope.db.Execute("DELETE FROM queue"));
    for (int64_t job = 2; job <= 1 + size.jobs; ++job) {
      if (StateOf(job, size) == v1::QUEUED) SKEW_RETURN_IF_ERROR(EnterQueue(scope, JobId{job}));
    }
    return absl::OkStatus();
  });
}

}  // namespace

absl::Status GenerateStore(const std::string& state_dir, const StoreSize& size, const GeneratedStudies& studies) {
  SKEW_ASSIGN_OR_RETURN(const std::unique_ptr<Connections> connections, Connections::Open(state_dir + "/skew.db"));
  RealClock clock;
  JobStore jobs(connections.get(), &clock);
  // Studies wait for nothing when their judge is there.
  NewJob first = JobNumber(1, studies, 1);
  first.kind = v1::CLASSIFIER_TRAINING;
  SKEW_RETURN_IF_ERROR(jobs.Submit(first, {}, Generator()).status());
  SKEW_RETURN_IF_ERROR(WriteClassifier(*connections, state_dir));
  SKEW_RETURN_IF_ERROR(SubmitTemplates(jobs, size, studies));
  SKEW_RETURN_IF_ERROR(CopyJobs(*connections, size));
  SKEW_RETURN_IF_ERROR(WriteHistory(*connections, size));
  return WriteQueue(*connections, size);
}

}  // namespace skew
