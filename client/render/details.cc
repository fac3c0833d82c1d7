#include "client/render/details.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/time/clock.h"
#include "client/render/estimate.h"
#include "client/render/format.h"
#include "client/render/listings.h"
#include "client/render/message_text.h"
#include "client/render/queue.h"
#include "client/render/results_notes.h"
#include "client/text.h"
#include "common/proto_time.h"
#include "common/run_state.h"
#include "common/stop_rule.h"

namespace skew {
namespace {

// Names and values, one pair a line, values below each other. Pairs without a value are left out.
std::string Pairs(const std::vector<std::pair<std::string, std::string>>& pairs) {
  int width = 0;
  for (const auto& [name, value] : pairs) width = std::max(width, DisplayWidth(name));
  std::string text;
  for (const auto& [name, value] : pairs) {
    if (!value.empty()) absl::StrAppend(&text, PadRight(absl::StrCat(name, ":"), width + 2), Printable(value), "\n");
  }
  return text;
}

std::string OptionalTime(bool present, const google::protobuf::Timestamp& time) {
  return present ? absl::StrCat(TimeText(time), " UTC") : "";
}

std::string CountsOfRuns(const v1::RunCounts& runs) {
  const std::string reused = runs.reused() > 0 ? absl::StrFormat(" (%d reused)", runs.reused()) : "";
  return absl::StrFormat("%d: %d queued, %d active, %d succeeded%s, %d failed, %d cancelled", runs.total(),
                         runs.queued(), runs.active(), runs.succeeded(), reused, runs.failed(), runs.cancelled());
}

// How far a running job is, and when it should end; nothing when that cannot be said.
std::string Outlook(const v1::Job& job, absl::Span<const v1::Run> runs) {
  if (job.state() != v1::JOB_RUNNING || !job.has_start_time()) return "";
  const absl::Time now = absl::Now();
  const JobEstimate estimate = EstimateJob(runs, now - FromProto(job.start_time()));
  std::string done = absl::StrFormat("%.0f%%", 100 * estimate.done);
  // The server knows better: of other jobs, and of what such runs took before.
  if (estimate.left == absl::InfiniteDuration() || job.outlook().has_end_time()) return done;
  return absl::StrCat(done, ", should end in ", DurationText(estimate.left), " (",
                      TimeText(ToProto(now + estimate.left)), " UTC)");
}

std::string ProgressText(const v1::Run& run) {
  const v1::Progress& progress = run.progress();
  if (progress.total_steps() == 0) return "";
  return absl::StrFormat("step %d/%d, epoch %.2f, %.1f steps/s  %s", progress.step(), progress.total_steps(),
                         progress.epoch(), progress.steps_per_second(), MetricsText(progress.metrics()));
}

std::string HistogramText(const v1::Run& run) {
  const v1::ClassHistogram& histogram = run.histogram();
  if (!run.has_histogram()) return "";
  return absl::StrFormat("%s of %d images at step %d%s, %d rejected, %d off-support", CountsText(histogram.counts()),
                         histogram.images(), histogram.step(), histogram.final() ? " (final)" : "",
                         histogram.rejected(), histogram.off_support());
}

std::string ReasonText(v1::Reason reason) { return reason == v1::REASON_UNSPECIFIED ? "" : v1::Reason_Name(reason); }

std::string PrecisionText(v1::Precision precision) {
  return precision == v1::PRECISION_UNSPECIFIED ? "" : v1::Precision_Name(precision);
}

Table AttemptTable(const v1::Run& run) {
  Table table({{"attempt", "", true},
               {"state"},
               {"reason"},
               {"device"},
               {"from step", "", true},
               {"started (UTC)"},
               {"ended (UTC)"},
               {"message"}});
  for (const v1::Attempt& attempt : run.attempts()) {
    table.AddRow({absl::StrCat(attempt.number()), StateName(attempt.state()), ReasonText(attempt.reason()),
                  attempt.device(), absl::StrCat(attempt.resumed_step()),
                  attempt.has_start_time() ? TimeText(attempt.start_time()) : "-",
                  attempt.has_end_time() ? TimeText(attempt.end_time()) : "-", attempt.message()});
  }
  return table;
}

std::string DeletionOf(const v1::Job& job) {
  if (!job.has_delete_time()) return "";
  return absl::StrCat(TimeText(job.delete_time()), " UTC, kept until ",
                      job.has_purge_time() ? absl::StrCat(TimeText(job.purge_time()), " UTC") : "it is purged");
}

// By the stop rule, so far.
std::string SparedRuns(const v1::Job& job, absl::Span<const v1::Run> runs) {
  const std::string spared = SparedText(SavedByStopping(job.spec(), runs));
  return spared.empty() ? "" : absl::StrCat(spared, ", by the stop rule");
}

std::string EventsOf(const v1::Job& job) {
  if (job.compacted_revision() == 0) return "";
  return absl::StrCat("not kept any more up to revision ", job.compacted_revision());
}

}  // namespace

std::string JobDetails(const v1::Job& job, absl::Span<const v1::Run> runs) {
  const std::string head = Pairs({{"job", job.id()},
                                  {"owner", job.owner()},
                                  {"state", StateName(job.state())},
                                  {"message", job.outlook().wait_reason().empty() ? job.message() : ""},
                                  {"priority", job.priority() == 0 ? "" : absl::StrCat(job.priority())},
                                  {"paused", job.paused() ? "yes" : ""},
                                  {"after", absl::StrJoin(job.after(), " ")},
                                  {"runs", CountsOfRuns(job.runs())},
                                  {"spared", SparedRuns(job, runs)},
                                  {"reproduces", job.reproduces()},
                                  {"progress", Outlook(job, runs)},
                                  {"outlook", OutlookText(job.outlook(), absl::Now())},
                                  {"created", OptionalTime(job.has_create_time(), job.create_time())},
                                  {"started", OptionalTime(job.has_start_time(), job.start_time())},
                                  {"ended", OptionalTime(job.has_end_time(), job.end_time())},
                                  {"deleted", DeletionOf(job)},
                                  {"events", EventsOf(job)},
                                  {"dataset", absl::StrCat(job.spec().dataset(), " ", job.dataset_digest())}});
  return absl::StrCat(head, "\n", ToYaml(job.spec()));
}

std::string RunDetails(const v1::Run& run) {
  std::string text = Pairs({{"run", run.id()},
                            {"model", run.model()},
                            {"bias point", CountsText(run.bias_point().counts())},
                            {"iteration", absl::StrCat(run.iteration())},
                            {"seed", absl::StrCat(run.seed())},
                            {"state", StateName(run.state())},
                            {"reused from", run.reused_from()},
                            {"reason", ReasonText(run.reason())},
                            {"message", run.message()},
                            {"device", run.device()},
                            {"precision", PrecisionText(run.precision())},
                            {"priority", run.priority() == 0 ? "" : absl::StrCat(run.priority())},
                            {"paused", run.paused() ? "yes" : ""},
                            {"outlook", OutlookText(run.outlook(), absl::Now())},
                            {"progress", ProgressText(run)},
                            {"time left", IsActive(run.state()) ? DurationText(TimeLeft(run)) : ""},
                            {"histogram", HistogramText(run)},
                            {"shares", SharesText(run.histogram())},
                            {"created", OptionalTime(run.has_create_time(), run.create_time())},
                            {"started", OptionalTime(run.has_start_time(), run.start_time())},
                            {"ended", OptionalTime(run.has_end_time(), run.end_time())},
                            {"manifest", run.manifest_digest()},
                            {"classifier", run.classifier_digest()}});
  if (!run.attempts().empty()) absl::StrAppend(&text, "\n", AttemptTable(run).ToText());
  return text;
}

std::string ServerDetails(const v1::ServerInfo& info, absl::Span<const v1::Dataset> datasets,
                          absl::Span<const v1::Classifier> classifiers) {
  return absl::StrCat(Pairs({{"version", info.version()},
                             {"commit", info.commit()},
                             {"build", info.build()},
                             {"started", OptionalTime(info.has_start_time(), info.start_time())},
                             {"addresses", absl::StrJoin(info.addresses(), " ")},
                             {"state", info.draining() ? "draining" : "serving"},
                             {"revision", absl::StrCat(info.revision())},
                             {"runs", absl::StrCat(info.active_runs(), " active, ", info.queued_runs(), " queued")},
                             {"disk", absl::StrCat(info.has_disk_free_bytes() ? BytesText(info.disk_free_bytes()) : "?",
                                                   " free, ", BytesText(info.disk_reserve_bytes()), " kept free")}}),
                      "\n", DatasetTable(datasets).ToText(), "\n", ClassifierTable(classifiers).ToText());
}

}  // namespace skew
