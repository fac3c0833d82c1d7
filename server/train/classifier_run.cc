#include <cstddef>
#include <memory>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "common/message_limits.h"
#include "common/status.h"
#include "server/train/artifacts.h"
#include "server/train/eval/classifier.h"
#include "server/train/run.h"

namespace skew::train {
namespace {

using worker::v1::Report;

constexpr char kFile[] = "classifier.pt";
constexpr size_t kMostDescriptionBytes = kMostReportBytes - (1 << 10);

// Passes on at most one progress a second, and always the last one.
class ProgressRelay {
 public:
  explicit ProgressRelay(const RunContext& context) : context_(context) {}

  void Add(const v1::Progress& progress) {
    const absl::Time now = context_.clock->Now();
    const bool last = progress.step() == progress.total_steps();
    if (!last && now - time_ < absl::Seconds(1)) return;
    time_ = now;
    Report report;
    *report.mutable_progress() = progress;
    context_.session->Send(std::move(report));
  }

 private:
  const RunContext& context_;
  absl::Time time_ = absl::InfinitePast();
};

}  // namespace

absl::StatusOr<Report> RunClassifierTraining(const RunContext& context) {
  SKEW_ASSIGN_OR_RETURN(const DatasetContent dataset, ReadOrderedDataset(context.order));
  context.session->Send(StartedReport(0, ""));
  ProgressRelay relay(context);
  ClassifierTraining training;
  training.dataset = &dataset;
  training.spec = context.order.spec().classifier();
  training.device = context.engine.device;
  training.on_progress = [&](const v1::Progress& progress) {
    relay.Add(progress);
    return !context.stop->raised();
  };
  const absl::StatusOr<std::unique_ptr<Classifier>> classifier = TrainClassifier(training);
  if (context.stop->raised()) return StoppedReport(0);
  SKEW_RETURN_IF_ERROR(classifier.status());
  SKEW_ASSIGN_OR_RETURN(v1::Classifier description, Describe(**classifier, dataset));
  Artifacts artifacts(context.order.work_dir(), context.session, context.stop);
  SKEW_RETURN_IF_ERROR(artifacts.AddFile(kFile, "application/octet-stream",
                                         [&](const std::string& path) { return (*classifier)->Save(path); }));
  if (context.stop->raised()) return StoppedReport(0);
  Report report;
  // One number for every image: of a very large dataset they are too many for a report, and can be done without.
  if (description.ByteSizeLong() > kMostDescriptionBytes) description.clear_confidences();
  *report.mutable_finished()->mutable_classifier() = std::move(description);
  return report;
}

}  // namespace skew::train
