#include "client/render/lists.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "client/render/format.h"
#include "common/proto_time.h"

namespace skew {
namespace {

constexpr Table::Align kRight = Table::Align::kRight;

template <typename... Parts>
std::string Text(const Parts&... parts) {
  return absl::StrCat(parts...);
}

// What there is to say of a run beside its state.
std::string Remark(const v1::Run& run) {
  const std::string reason = ReasonText(run.reason());
  if (reason.empty() || run.message().empty()) return reason.empty() ? run.message() : reason;
  return absl::StrCat(reason, ": ", run.message());
}

// "1234/2700 (45%)"
std::string StepText(const v1::Progress& progress) {
  if (progress.total_steps() <= 0) return "-";
  const double share = static_cast<double>(progress.step()) / static_cast<double>(progress.total_steps());
  return absl::StrCat(progress.step(), "/", progress.total_steps(), " (", PercentText(share, 0), "%)");
}

// "0:812 1:97 2:1034 (final)"
std::string HistogramText(const v1::Run& run) {
  if (!run.has_histogram()) return "-";
  return absl::StrCat(CountsText(run.histogram().counts()), run.histogram().final() ? " (final)" : "");
}

std::string OrDash(std::string text) { return text.empty() ? "-" : text; }

}  // namespace

Table JobTable(absl::Span<const v1::Job> jobs, absl::Time now, const Style& style) {
  Table table({{"JOB"},
               {"NAME"},
               {"KIND"},
               {"STATE"},
               {"DONE", kRight},
               {"ACTIVE", kRight},
               {"FAILED", kRight},
               {"OWNER"},
               {"CREATED"},
               {"TOOK", kRight}});
  for (const v1::Job& job : jobs) {
    const v1::RunCounts& runs = job.runs();
    table.AddRow({job.id(), job.spec().name(), KindText(job.kind()), StateText(job.state()),
                  Text(runs.succeeded(), "/", runs.total()), Text(runs.active()), Text(runs.failed()), job.owner(),
                  TimeText(job.create_time(), job.has_create_time(), style), TimeTaken(job, now)});
  }
  return table;
}

Table RawJobTable(absl::Span<const v1::Job> jobs) {
  Table table({{"job"},
               {"name"},
               {"kind"},
               {"state"},
               {"owner"},
               {"dataset"},
               {"runs_total"},
               {"runs_queued"},
               {"runs_active"},
               {"runs_succeeded"},
               {"runs_failed"},
               {"runs_cancelled"},
               {"create_time"},
               {"start_time"},
               {"end_time"},
               {"dataset_digest"},
               {"revision"},
               {"message"}});
  for (const v1::Job& job : jobs) {
    const v1::RunCounts& runs = job.runs();
    table.AddRow({job.id(), job.spec().name(), KindText(job.kind()), StateText(job.state()), job.owner(),
                  job.spec().dataset(), Text(runs.total()), Text(runs.queued()), Text(runs.active()),
                  Text(runs.succeeded()), Text(runs.failed()), Text(runs.cancelled()),
                  RawTime(job.create_time(), job.has_create_time()), RawTime(job.start_time(), job.has_start_time()),
                  RawTime(job.end_time(), job.has_end_time()), job.dataset_digest(), Text(job.revision()),
                  job.message()});
  }
  return table;
}

Table RunTable(absl::Span<const v1::Run> runs) {
  Table table({{"RUN"},
               {"MODEL"},
               {"BIAS POINT"},
               {"ITER", kRight},
               {"STATE"},
               {"DEVICE"},
               {"STEP", kRight},
               {"LOSSES"},
               {"HISTOGRAM"},
               {"REMARK"}});
  for (const v1::Run& run : runs) {
    table.AddRow({run.id(), run.model(), OrDash(CountsText(run.bias_point().counts())), Text(run.iteration()),
                  StateText(run.state()), OrDash(run.device()), StepText(run.progress()),
                  OrDash(MetricsText(run.progress())), HistogramText(run), Remark(run)});
  }
  return table;
}

Table RawRunTable(absl::Span<const v1::Run> runs) {
  Table table({{"run"},
               {"model"},
               {"bias_point"},
               {"iteration"},
               {"seed"},
               {"state"},
               {"reason"},
               {"message"},
               {"device"},
               {"attempts"},
               {"step"},
               {"total_steps"},
               {"metrics"},
               {"histogram_step"},
               {"histogram_final"},
               {"images"},
               {"counts"},
               {"rejected"},
               {"off_support"},
               {"manifest_digest"},
               {"classifier_digest"},
               {"start_time"},
               {"end_time"}});
  for (const v1::Run& run : runs) {
    const v1::ClassHistogram& histogram = run.histogram();
    const auto judged = [&run](int64_t value) { return run.has_histogram() ? absl::StrCat(value) : ""; };
    table.AddRow({run.id(),
                  run.model(),
                  CountsText(run.bias_point().counts()),
                  Text(run.iteration()),
                  Text(run.seed()),
                  StateText(run.state()),
                  ReasonText(run.reason()),
                  run.message(),
                  run.device(),
                  Text(run.attempts_size()),
                  Text(run.progress().step()),
                  Text(run.progress().total_steps()),
                  MetricsText(run.progress()),
                  judged(histogram.step()),
                  judged(histogram.final() ? 1 : 0),
                  judged(histogram.images()),
                  CountsText(histogram.counts()),
                  judged(histogram.rejected()),
                  judged(histogram.off_support()),
                  run.manifest_digest(),
                  run.classifier_digest(),
                  RawTime(run.start_time(), run.has_start_time()),
                  RawTime(run.end_time(), run.has_end_time())});
  }
  return table;
}

Table ArtifactTable(absl::Span<const v1::Artifact> artifacts, const Style& style) {
  Table table({{"RUN"}, {"NAME"}, {"SIZE", kRight}, {"TYPE"}, {"CREATED"}, {"SHA-256"}});
  for (const v1::Artifact& artifact : artifacts) {
    table.AddRow({artifact.run_id(), artifact.name(), SizeText(artifact.size_bytes()), artifact.media_type(),
                  TimeText(artifact.create_time(), artifact.has_create_time(), style), ShortDigest(artifact.digest())});
  }
  return table;
}

Table RawArtifactTable(absl::Span<const v1::Artifact> artifacts) {
  Table table({{"run"}, {"name"}, {"media_type"}, {"size_bytes"}, {"digest"}, {"create_time"}});
  for (const v1::Artifact& artifact : artifacts) {
    table.AddRow({artifact.run_id(), artifact.name(), artifact.media_type(), Text(artifact.size_bytes()),
                  artifact.digest(), RawTime(artifact.create_time(), artifact.has_create_time())});
  }
  return table;
}

Table DeviceTable(absl::Span<const v1::Device> devices, absl::Time now) {
  Table table({{"DEVICE"}, {"CORES"}, {"RUN"}, {"SINCE", kRight}});
  for (const v1::Device& device : devices) {
    table.AddRow({device.name(), OrDash(absl::StrJoin(device.cores(), ",")), OrDash(device.run_id()),
                  device.has_lease_time() ? SpanText(now - FromProto(device.lease_time())) : "-"});
  }
  return table;
}

Table RawDeviceTable(absl::Span<const v1::Device> devices) {
  Table table({{"device"}, {"cores"}, {"run"}, {"lease_time"}});
  for (const v1::Device& device : devices) {
    table.AddRow({device.name(), absl::StrJoin(device.cores(), " "), device.run_id(),
                  RawTime(device.lease_time(), device.has_lease_time())});
  }
  return table;
}

Table DatasetTable(absl::Span<const v1::Dataset> datasets) {
  Table table(
      {{"DATASET"}, {"CLASSES", kRight}, {"SIZE"}, {"TRAIN", kRight}, {"TEST", kRight}, {"DIGEST"}, {"PROBLEM"}});
  const auto images = [](const auto& counts) {
    int64_t sum = 0;
    for (const auto& [label, count] : counts) sum += count;
    return absl::StrCat(sum);
  };
  for (const v1::Dataset& dataset : datasets) {
    table.AddRow({dataset.name(), Text(dataset.classes()), Text(dataset.height(), "x", dataset.width()),
                  images(dataset.train_counts()), images(dataset.test_counts()), OrDash(ShortDigest(dataset.digest())),
                  dataset.problem()});
  }
  return table;
}

Table RawDatasetTable(absl::Span<const v1::Dataset> datasets) {
  Table table(
      {{"dataset"}, {"digest"}, {"classes"}, {"height"}, {"width"}, {"train_counts"}, {"test_counts"}, {"problem"}});
  for (const v1::Dataset& dataset : datasets) {
    table.AddRow({dataset.name(), dataset.digest(), Text(dataset.classes()), Text(dataset.height()),
                  Text(dataset.width()), CountsText(dataset.train_counts()), CountsText(dataset.test_counts()),
                  dataset.problem()});
  }
  return table;
}

Table ClassifierTable(absl::Span<const v1::Classifier> classifiers) {
  Table table({{"CLASSIFIER"}, {"DATASET"}, {"CLASSES", kRight}, {"TEST ACCURACY", kRight}, {"JOB"}});
  for (const v1::Classifier& classifier : classifiers) {
    table.AddRow({ShortDigest(classifier.digest()), classifier.dataset(), Text(classifier.classes()),
                  PercentText(classifier.test_accuracy(), 2) + "%", classifier.job_id()});
  }
  return table;
}

Table RawClassifierTable(absl::Span<const v1::Classifier> classifiers) {
  Table table({{"classifier"}, {"dataset"}, {"dataset_digest"}, {"classes"}, {"test_accuracy"}, {"job"}});
  for (const v1::Classifier& classifier : classifiers) {
    table.AddRow({classifier.digest(), classifier.dataset(), classifier.dataset_digest(), Text(classifier.classes()),
                  RawNumber(classifier.test_accuracy()), classifier.job_id()});
  }
  return table;
}

}  // namespace skew
