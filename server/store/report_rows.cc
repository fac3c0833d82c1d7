#include "server/store/report_rows.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/proto_time.h"
#include "common/status.h"
#include "server/store/event_log.h"
#include "server/store/job_rows.h"
#include "server/store/judge_rows.h"
#include "server/store/reuse_rows.h"

namespace skew {
namespace {

using worker::v1::Report;

absl::Status WriteStarted(WriteScope& scope, const AttemptId& attempt, const worker::v1::Started& started) {
  SKEW_RETURN_IF_ERROR(scope.db
                           .Prepare("UPDATE attempts SET state = ?, resumed_step = ? "
                                    "WHERE job_id = ? AND run_number = ? AND number = ?")
                           .Bind(v1::RUNNING)
                           .Bind(started.resumed_step())
                           .Bind(attempt.run.job.number)
                           .Bind(attempt.run.number)
                           .Bind(attempt.number)
                           .Run());
  SKEW_RETURN_IF_ERROR(
      scope.db.Prepare("UPDATE runs SET manifest_digest = ?, precision = ? WHERE job_id = ? AND number = ?")
          .Bind(started.manifest_digest())
          .Bind(started.precision())
          .Bind(attempt.run.job.number)
          .Bind(attempt.run.number)
          .Run());
  SKEW_RETURN_IF_ERROR(CheckPrecision(scope, attempt.run, started.precision()));
  SKEW_ASSIGN_OR_RETURN(const v1::Run run, ReadRun(scope.db, attempt.run));
  if (run.state() == v1::CANCELLING) return absl::OkStatus();  // cancelled while its worker came up
  RunChange change;
  change.state = v1::RUNNING;
  change.attempt = attempt.number;
  change.device = run.device();
  return ChangeRun(scope, attempt.run, change);
}

absl::Status WriteProgress(WriteScope& scope, const AttemptId& attempt, const v1::Progress& progress) {
  SKEW_RETURN_IF_ERROR(scope.db.Prepare("UPDATE runs SET progress = ? WHERE job_id = ? AND number = ?")
                           .Bind(progress)
                           .Bind(attempt.run.job.number)
                           .Bind(attempt.run.number)
                           .Run());
  v1::Event event;
  event.mutable_progress()->set_run_id(attempt.run.ToString());
  event.mutable_progress()->set_attempt(attempt.number);
  *event.mutable_progress()->mutable_progress() = progress;
  return AppendEvent(scope, attempt.run.job, event);
}

absl::Status CheckHistogram(const v1::ClassHistogram& histogram) {
  int64_t sum = int64_t{histogram.rejected()} + histogram.off_support();
  int32_t least = std::min(histogram.rejected(), histogram.off_support());
  for (const auto& [label, count] : histogram.counts()) {
    sum += count;
    least = std::min(least, count);
  }
  if (least < 0) {
    return absl::InvalidArgumentError(
        absl::StrCat("histogram at step ", histogram.step(), ": ", least, " images of one kind"));
  }
  if (sum == histogram.images()) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat("histogram at step ", histogram.step(), ": its parts add up to ", sum,
                                                 " of ", histogram.images(), " images"));
}

absl::Status CheckHistograms(const v1::ClassHistogram& histogram) {
  SKEW_RETURN_IF_ERROR(CheckHistogram(histogram));
  for (const v1::ClassHistogram& further : histogram.more_judges()) SKEW_RETURN_IF_ERROR(CheckHistogram(further));
  return absl::OkStatus();
}

// As text, without how long it took.
std::string WhatIsMeasured(v1::ClassHistogram histogram) {
  if (histogram.has_image_measures()) histogram.mutable_image_measures()->clear_measuring_seconds();
  return histogram.ShortDebugString();
}

// Whether the same histogram is there already: an attempt that began again from an older checkpoint comes by once more.
absl::StatusOr<bool> HasHistogram(Database& db, const AttemptId& attempt, const v1::ClassHistogram& histogram) {
  Statement row =
      db.Prepare("SELECT data FROM histograms WHERE job_id = ? AND run_number = ? AND final = ? AND step = ?");
  row.Bind(attempt.run.job.number).Bind(attempt.run.number).Bind(histogram.final()).Bind(histogram.step());
  v1::ClassHistogram stored;
  const bool same = row.Step() && (row.Read(0, stored), WhatIsMeasured(stored) == WhatIsMeasured(histogram));
  SKEW_RETURN_IF_ERROR(row.status());
  return same;
}

absl::Status WriteHistogram(WriteScope& scope, const AttemptId& attempt, v1::ClassHistogram histogram) {
  SKEW_RETURN_IF_ERROR(CheckHistograms(histogram));
  histogram.set_run_id(attempt.run.ToString());
  SKEW_ASSIGN_OR_RETURN(const bool known, HasHistogram(scope.db, attempt, histogram));
  if (known) return absl::OkStatus();
  SKEW_RETURN_IF_ERROR(
      scope.db
          .Prepare("INSERT OR REPLACE INTO histograms (job_id, run_number, final, step, data) VALUES (?, ?, ?, ?, ?)")
          .Bind(attempt.run.job.number)
          .Bind(attempt.run.number)
          .Bind(histogram.final())
          .Bind(histogram.step())
          .Bind(histogram)
          .Run());
  SKEW_RETURN_IF_ERROR(scope.db.Prepare("UPDATE runs SET classifier_digest = ? WHERE job_id = ? AND number = ?")
                           .Bind(histogram.classifier_digest())
                           .Bind(attempt.run.job.number)
                           .Bind(attempt.run.number)
                           .Run());
  v1::Event event;
  *event.mutable_histogram() = std::move(histogram);
  return AppendEvent(scope, attempt.run.job, event);
}

absl::Status WriteArtifact(WriteScope& scope, const AttemptId& attempt, const worker::v1::NewArtifact& artifact) {
  Statement known =
      scope.db.Prepare("SELECT 1 FROM artifacts WHERE job_id = ? AND run_number = ? AND name = ? AND digest = ?");
  known.Bind(attempt.run.job.number).Bind(attempt.run.number).Bind(artifact.name()).Bind(artifact.digest());
  if (known.Step()) return absl::OkStatus();
  SKEW_RETURN_IF_ERROR(known.status());
  SKEW_RETURN_IF_ERROR(scope.db
                           .Prepare("INSERT OR REPLACE INTO artifacts (job_id, run_number, name, media_type, digest, "
                                    "size_bytes, create_time) VALUES (?, ?, ?, ?, ?, ?, ?)")
                           .Bind(attempt.run.job.number)
                           .Bind(attempt.run.number)
                           .Bind(artifact.name())
                           .Bind(artifact.media_type())
                           .Bind(artifact.digest())
                           .Bind(artifact.size_bytes())
                           .Bind(scope.now)
                           .Run());
  v1::Event event;
  v1::Artifact& added = *event.mutable_artifact();
  added.set_run_id(attempt.run.ToString());
  added.set_name(artifact.name());
  added.set_media_type(artifact.media_type());
  added.set_digest(artifact.digest());
  added.set_size_bytes(artifact.size_bytes());
  *added.mutable_create_time() = ToProto(scope.now);
  return AppendEvent(scope, attempt.run.job, event);
}

template <typename Entries>
bool IsMatrix(const Entries& entries, int64_t classes) {
  return entries.size() == classes * classes && std::all_of(entries.begin(), entries.end(), [](auto entry) {
           return std::isfinite(static_cast<double>(entry)) && entry >= 0;
         });
}

// Corrections are computed from these numbers wherever results are asked for.
absl::Status CheckClassifier(const v1::Classifier& classifier) {
  const int64_t classes = classifier.classes();
  const auto problem = [&](absl::string_view what) {
    return absl::InvalidArgumentError(
        absl::StrCat("classifier ", classifier.digest(), " of ", classes, " classes: ", what));
  };
  if (classes < 0 || classes > 256) return problem("0 to 256 are possible");
  if (!IsMatrix(classifier.confusion(), classes)) return problem("confusion is no matrix of counts");
  if (!classifier.test_confusion().empty() && !IsMatrix(classifier.test_confusion(), classes)) {
    return problem("test_confusion is no matrix of counts");
  }
  if (!classifier.mean_posteriors().empty() && !IsMatrix(classifier.mean_posteriors(), classes)) {
    return problem("mean_posteriors is no matrix of numbers");
  }
  if (!classifier.confidences().empty()) {
    const int64_t images = std::accumulate(classifier.confusion().begin(), classifier.confusion().end(), int64_t{0});
    const bool shares = std::all_of(classifier.confidences().begin(), classifier.confidences().end(),
                                    [](float confidence) { return confidence >= 0 && confidence <= 1; });
    if (!shares || classifier.confidences_size() != images) {
      return problem("confidences are not shares of 1, one for every image of confusion");
    }
  }
  return absl::OkStatus();
}

// Studies are judged by it from then on: it comes from its own training, after its weights.
absl::Status WriteClassifier(WriteScope& scope, const AttemptId& attempt, v1::Classifier classifier) {
  SKEW_RETURN_IF_ERROR(CheckClassifier(classifier));
  Statement job = scope.db.Prepare(
      "SELECT classifier_key, dataset_digest, spec, kind, EXISTS (SELECT 1 FROM artifacts a WHERE a.job_id = jobs.id "
      "AND a.run_number = ? AND a.name = ?) FROM jobs WHERE id = ?");
  job.Bind(attempt.run.number).Bind(kClassifierArtifact).Bind(attempt.run.job.number);
  if (!job.Step()) return absl::InternalError(absl::StrCat(attempt.ToString(), " has no job"));
  v1::JobSpec spec;
  job.Read(2, spec);
  const bool trains_it = job.Int(3) == v1::CLASSIFIER_TRAINING;
  const bool has_weights = job.Int(4) != 0;
  SKEW_RETURN_IF_ERROR(job.status());
  if (!trains_it) {
    return absl::InvalidArgumentError(absl::StrCat("finished.classifier: ", attempt.run.ToString(), " trains none"));
  }
  if (!has_weights) {
    return absl::InvalidArgumentError(
        absl::StrCat("finished.classifier: its weights, ", kClassifierArtifact, ", were not handed over before"));
  }
  classifier.set_job_id(attempt.run.job.ToString());
  classifier.set_dataset(spec.dataset());
  classifier.set_dataset_digest(job.Text(1));
  SKEW_RETURN_IF_ERROR(
      scope.db.Prepare("INSERT OR REPLACE INTO classifiers (key, digest, job_id, data) VALUES (?, ?, ?, ?)")
          .Bind(job.Text(0))
          .Bind(classifier.digest())
          .Bind(attempt.run.job.number)
          .Bind(classifier)
          .Run());
  v1::Event event;
  classifier.clear_confidences();
  *event.mutable_classifier() = std::move(classifier);
  return AppendEvent(scope, attempt.run.job, event);
}

absl::Status WriteOutcome(WriteScope& scope, const AttemptId& attempt, const Report& report) {
  return scope.db.Prepare("UPDATE attempts SET outcome = ? WHERE job_id = ? AND run_number = ? AND number = ?")
      .Bind(report)
      .Bind(attempt.run.job.number)
      .Bind(attempt.run.number)
      .Bind(attempt.number)
      .Run();
}

absl::Status WriteEffect(WriteScope& scope, const AttemptId& attempt, const Report& report) {
  switch (report.report_case()) {
    case Report::kStarted:
      return WriteStarted(scope, attempt, report.started());
    case Report::kProgress:
      return WriteProgress(scope, attempt, report.progress());
    case Report::kHistogram:
      return WriteHistogram(scope, attempt, report.histogram());
    case Report::kArtifact:
      return WriteArtifact(scope, attempt, report.artifact());
    case Report::kFinished:
      if (report.finished().has_classifier()) {
        SKEW_RETURN_IF_ERROR(WriteClassifier(scope, attempt, report.finished().classifier()));
      }
      return WriteOutcome(scope, attempt, report);
    case Report::kFailed:
    case Report::kStopped:
      return WriteOutcome(scope, attempt, report);
    case Report::REPORT_NOT_SET:
      break;
  }
  return absl::InvalidArgumentError(absl::StrCat(attempt.ToString(), ": report ", report.number(), " is empty"));
}

}  // namespace

absl::StatusOr<ReportCursor> ReadReportCursor(Database& db, const AttemptId& attempt) {
  Statement row = db.Prepare(
      "SELECT last_report, end_time IS NOT NULL FROM attempts WHERE job_id = ? AND run_number = ? AND number = ?");
  row.Bind(attempt.run.job.number).Bind(attempt.run.number).Bind(attempt.number);
  if (row.Step()) return ReportCursor{row.Int(0), row.Int(1) != 0};
  return row.status().ok() ? absl::NotFoundError(absl::StrCat("there is no ", attempt.ToString())) : row.status();
}

absl::Status WriteReport(WriteScope& scope, const AttemptId& attempt, const Report& report) {
  SKEW_RETURN_IF_ERROR(WriteEffect(scope, attempt, report));
  return scope.db.Prepare("UPDATE attempts SET last_report = ? WHERE job_id = ? AND run_number = ? AND number = ?")
      .Bind(report.number())
      .Bind(attempt.run.job.number)
      .Bind(attempt.run.number)
      .Bind(attempt.number)
      .Run();
}

}  // namespace skew
