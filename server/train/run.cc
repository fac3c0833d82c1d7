#include "server/train/run.h"

#include <cstdint>
#include <memory>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "common/status.h"
#include "server/train/study_run.h"

namespace skew::train {

using worker::v1::Report;

absl::StatusOr<Report> RunStudy(const RunContext& context) {
  SKEW_ASSIGN_OR_RETURN(const std::unique_ptr<StudyRun> run, StudyRun::Start(context));
  return run->Run();
}

absl::StatusOr<DatasetContent> ReadOrderedDataset(const worker::v1::WorkOrder& order) {
  absl::StatusOr<DatasetContent> dataset = ReadDataset(order.dataset_dir());
  if (!dataset.ok() || dataset->digest == order.dataset_digest()) return dataset;
  return absl::FailedPreconditionError(absl::StrCat("the dataset in ", order.dataset_dir(), " has digest ",
                                                    dataset->digest, "; the job was accepted with ",
                                                    order.dataset_digest()));
}

Report StartedReport(int64_t resumed_step, const std::string& manifest_digest, v1::Precision precision) {
  Report report;
  report.mutable_started()->set_resumed_step(static_cast<int32_t>(resumed_step));
  report.mutable_started()->set_manifest_digest(manifest_digest);
  report.mutable_started()->set_precision(precision);
  return report;
}

Report StoppedReport(int64_t checkpoint_step) {
  Report report;
  report.mutable_stopped()->set_checkpoint_step(static_cast<int32_t>(checkpoint_step));
  return report;
}

}  // namespace skew::train
