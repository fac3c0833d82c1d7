#include "server/train/study_run.h"

#include <algorithm>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/content_key.h"
#include "common/status.h"
#include "google/protobuf/io/zero_copy_stream_impl_lite.h"
#include "google/protobuf/util/delimited_message_util.h"
#include "server/train/data/image_tensor.h"
#include "server/train/data/random.h"
#include "server/train/eval/image_features.h"
#include "server/train/eval/image_measures.h"
#include "server/train/eval/sample_grid.h"
#include "spdlog/spdlog.h"

namespace skew::train {
namespace {

using worker::v1::Report;

std::vector<int32_t> LabelsOf(const LabelledImages& images, const std::vector<int64_t>& indices) {
  std::vector<int32_t> labels;
  labels.reserve(indices.size());
  for (const int64_t index : indices) labels.push_back(images.labels[static_cast<size_t>(index)]);
  return labels;
}

std::vector<int32_t> ClassesOf(const v1::BiasPoint& bias_point) {
  std::vector<int32_t> classes;
  for (const auto& [label, count] : bias_point.counts()) classes.push_back(label);
  std::sort(classes.begin(), classes.end());
  return classes;
}

absl::StatusOr<std::unique_ptr<Classifier>> LoadJudge(const std::string& file, const std::string& digest,
                                                      const DatasetContent& dataset, at::Device device) {
  SKEW_ASSIGN_OR_RETURN(std::unique_ptr<Classifier> judge, Classifier::Load(file, device));
  if (judge->Digest() != digest) {
    return absl::FailedPreconditionError(
        absl::StrCat("the classifier in ", file, " has digest ", judge->Digest(), "; the order says ", digest));
  }
  if (judge->classes() < dataset.classes) {
    return absl::InternalError(
        absl::StrCat("the classifier in ", file, " knows ", judge->classes(), " of ", dataset.classes, " classes"));
  }
  return judge;
}

// Images of a class in the grids that are ordered by class.
constexpr int kPerClass = 12;

// Entries of a checkpoint: which run it is of; reports, each after its length.
constexpr char kIdentity[] = "identity";
constexpr char kUnreported[] = "unreported";

// What AUTO stands for on one machine does not make it another run.
std::string IdentityOf(const worker::v1::WorkOrder& order) {
  v1::Run run;
  run.set_model_index(order.model_index());
  *run.mutable_bias_point() = order.bias_point();
  run.set_iteration(order.iteration());
  run.set_seed(order.seed());
  return ContentKeys(order.spec(), order.dataset_digest(), v1::AUTO).KeyOf(run);
}

at::Tensor TensorOfReports(const std::vector<Report>& reports) {
  std::ostringstream stream;
  for (const Report& report : reports) google::protobuf::util::SerializeDelimitedToOstream(report, &stream);
  return TensorOfText(stream.str());
}

absl::StatusOr<std::vector<Report>> GetReports(const TensorMap& state) {
  std::vector<Report> reports;
  if (!state.contains(kUnreported)) return reports;  // written by an earlier version
  SKEW_ASSIGN_OR_RETURN(const std::string bytes, GetText(state, kUnreported));
  google::protobuf::io::ArrayInputStream stream(bytes.data(), static_cast<int>(bytes.size()));
  bool at_end = false;
  while (!at_end) {
    Report report;
    if (google::protobuf::util::ParseDelimitedFromZeroCopyStream(&report, &stream, &at_end)) {
      reports.push_back(std::move(report));
    } else if (!at_end) {
      return absl::DataLossError("its reports cannot be read");
    }
  }
  return reports;
}

}  // namespace

absl::StatusOr<std::unique_ptr<StudyRun>> StudyRun::Start(const RunContext& context) {
  SKEW_ASSIGN_OR_RETURN(RunSettings settings, SettingsOf(context.order));
  auto run = std::unique_ptr<StudyRun>(new StudyRun(context, std::move(settings)));
  SKEW_ASSIGN_OR_RETURN(const DatasetContent dataset, ReadOrderedDataset(context.order));
  const v1::JobSpec& spec = context.order.spec();
  const int32_t draw = spec.bias().draw() == v1::PER_JOB ? 0 : context.order.iteration();
  SKEW_ASSIGN_OR_RETURN(run->subset_, DrawSubset(dataset, context.order.bias_point(), spec.seed(), draw));
  const at::Tensor images = ToTensor(dataset.train.images, run->subset_.indices);
  run->real_samples_ = FirstOfEachClass(images, run->subset_.labels, ClassesOf(context.order.bias_point()), kPerClass);
  SKEW_RETURN_IF_ERROR(run->LoadJudges(dataset));
  SKEW_RETURN_IF_ERROR(run->MakeModelAndTrainer(dataset, images));
  SKEW_RETURN_IF_ERROR(run->Resume(dataset, images));
  run->evaluator_ = std::make_unique<Evaluator>(
      run->model_.get(), run->classifier_.get(), context.stop,
      Evaluator::Options{context.order.seed(), ClassesOf(context.order.bias_point()), run->classifier_->classes(),
                         run->settings_.reject_below, context.order.classifier().digest(), run->FurtherJudges()});
  context.session->Send(
      StartedReport(run->step(), run->subset_.digest, ResolvedPrecision(run->settings_.model, context.engine)));
  for (Report& report : run->unreported_) context.session->Send(std::move(report));
  run->unreported_.clear();
  return run;
}

absl::Status StudyRun::LoadJudges(const DatasetContent& dataset) {
  const worker::v1::WorkOrder& order = context_.order;
  SKEW_ASSIGN_OR_RETURN(
      classifier_, LoadJudge(order.classifier_file(), order.classifier().digest(), dataset, context_.engine.device));
  for (const worker::v1::Judge& judge : order.more_judges()) {
    SKEW_ASSIGN_OR_RETURN(more_judges_.emplace_back(),
                          LoadJudge(judge.file(), judge.classifier().digest(), dataset, context_.engine.device));
  }
  return absl::OkStatus();
}

std::vector<Evaluator::FurtherJudge> StudyRun::FurtherJudges() const {
  std::vector<Evaluator::FurtherJudge> judges;
  for (size_t i = 0; i < more_judges_.size(); ++i) {
    judges.push_back({more_judges_[i].get(), context_.order.more_judges(static_cast<int>(i)).classifier().digest()});
  }
  return judges;
}

absl::Status StudyRun::MakeModelAndTrainer(const DatasetContent& dataset, const at::Tensor& images) {
  const uint64_t seed = context_.order.seed();
  ModelInputs inputs;
  inputs.engine = context_.engine;
  inputs.seed = DeriveSeed("model", {seed});
  inputs.height = dataset.train.images.height;
  inputs.width = dataset.train.images.width;
  inputs.bias_point = context_.order.bias_point();
  if (settings_.model.has_resample()) {
    const std::vector<int64_t> held_out = SplitTest(dataset).held_out;
    inputs.held_out_images = ToTensor(dataset.test.images, held_out).to(context_.engine.device);
    inputs.held_out_labels = LabelsOf(dataset.test, held_out);
  }
  SKEW_ASSIGN_OR_RETURN(model_, MakeModel(settings_.model, inputs));
  if (!trains()) return absl::OkStatus();
  trainer_ =
      std::make_unique<Trainer>(model_.get(), images.to(context_.engine.device),
                                TrainingBatches(subset_.labels, settings_.batch_size, context_.order.spec().training(),
                                                settings_.total_steps, DeriveSeed("batches", {seed})));
  return absl::OkStatus();
}

absl::Status StudyRun::Resume(const DatasetContent& dataset, const at::Tensor& images) {
  checkpoint_time_ = context_.clock->Now();
  while (trains()) {
    std::vector<std::string> problems;
    SKEW_ASSIGN_OR_RETURN(const std::optional<Checkpoint> checkpoint, checkpoints_.ReadNewest(problems));
    for (const std::string& problem : problems) spdlog::warn("checkpoint passed over: {}", problem);
    if (!checkpoint.has_value()) break;
    absl::Status taken = TakeUp(*checkpoint);
    if (taken.ok() || !absl::IsDataLoss(taken)) return taken;
    spdlog::warn("checkpoint of step {} passed over: {}", checkpoint->step, std::string(taken.message()));
    SKEW_RETURN_IF_ERROR(checkpoints_.PutAside(checkpoint->step));
    SKEW_RETURN_IF_ERROR(MakeModelAndTrainer(dataset, images));
  }
  return absl::OkStatus();
}

absl::Status StudyRun::TakeUp(const Checkpoint& checkpoint) {
  if (checkpoint.state.contains(kIdentity)) {  // earlier versions wrote none
    SKEW_ASSIGN_OR_RETURN(const std::string identity, GetText(checkpoint.state, kIdentity));
    if (identity != IdentityOf(context_.order)) return absl::DataLossError("it is of another run");
  }
  SKEW_ASSIGN_OR_RETURN(std::vector<Report> reports, GetReports(checkpoint.state));
  SKEW_RETURN_IF_ERROR(trainer_->Load(checkpoint));
  spdlog::info("goes on from step {}", checkpoint.step);
  checkpoint_step_ = checkpoint.step;
  unreported_ = std::move(reports);
  return absl::OkStatus();
}

absl::StatusOr<Report> StudyRun::Run() {
  if (trains()) {
    SKEW_RETURN_IF_ERROR(Train());
    if (stopped()) return StopEarly();
    SKEW_RETURN_IF_ERROR(WriteCheckpointIfRoom());
  }
  SKEW_RETURN_IF_ERROR(Conclude());
  if (stopped()) return StopEarly();
  Report report;
  report.mutable_finished();
  return report;
}

absl::Status StudyRun::Train() {
  ProgressMeter progress(trainer_.get(), settings_.total_steps, context_.session, context_.clock);
  if (settings_.IsEvaluationStep(step())) SKEW_RETURN_IF_ERROR(Evaluate());
  while (step() < settings_.total_steps && !stopped()) {
    SKEW_RETURN_IF_ERROR(trainer_->Step());
    SKEW_RETURN_IF_ERROR(progress.ReportIfDue());
    SKEW_RETURN_IF_ERROR(WriteCheckpointIfDue());
    if (settings_.IsEvaluationStep(step())) SKEW_RETURN_IF_ERROR(Evaluate());
  }
  return progress.Report();
}

absl::Status StudyRun::Conclude() {
  SKEW_RETURN_IF_ERROR(ReportHistogram(JudgeFinal(), true));
  return stopped() ? absl::OkStatus() : ReportFinalArtifacts();
}

absl::Status StudyRun::Evaluate() {
  // What was generated by weights that are not numbers would be judged all the same.
  SKEW_RETURN_IF_ERROR(trainer_->Flush());
  SKEW_RETURN_IF_ERROR(ReportHistogram(evaluator_->Judge(step(), settings_.evaluation_images), false));
  if (stopped()) return absl::OkStatus();
  return artifacts_.AddGrid(absl::StrCat("samples-", step(), ".png"), evaluator_->Samples());
}

absl::StatusOr<v1::ClassHistogram> StudyRun::JudgeFinal() {
  if (!settings_.measure_images) return evaluator_->JudgeFinal(step(), settings_.generation_images);
  const Evaluator::Options& options = evaluator_->options();
  GeneratedFeatures generated(options.job_classes, options.classes, options.reject_below);
  SKEW_ASSIGN_OR_RETURN(v1::ClassHistogram histogram,
                        evaluator_->JudgeFinal(step(), settings_.generation_images, &generated));
  const absl::Time start = context_.clock->Now();
  SKEW_ASSIGN_OR_RETURN(const DatasetContent dataset, ReadOrderedDataset(context_.order));
  SKEW_ASSIGN_OR_RETURN(const RealFeatures real,
                        JudgeRealImages(dataset, context_.order.bias_point(), subset_, *classifier_));
  *histogram.mutable_image_measures() = MeasureImages(generated, real);
  const double seconds = absl::ToDoubleSeconds(context_.clock->Now() - start);
  histogram.mutable_image_measures()->set_measuring_seconds(seconds);
  spdlog::info("measures of images took {:.1f} s", seconds);
  return histogram;
}

absl::Status StudyRun::ReportHistogram(absl::StatusOr<v1::ClassHistogram> histogram, bool final) {
  if (absl::IsCancelled(histogram.status())) return absl::OkStatus();
  if (!histogram.ok()) return histogram.status();
  histogram->set_run_id(context_.order.run_id());
  histogram->set_epoch(trainer_ ? trainer_->epoch() : 0);
  histogram->set_final(final);
  Report report;
  *report.mutable_histogram() = *std::move(histogram);
  context_.session->Send(std::move(report));
  return absl::OkStatus();
}

absl::Status StudyRun::ReportFinalArtifacts() {
  SKEW_RETURN_IF_ERROR(artifacts_.AddGrid("samples.png", evaluator_->Samples()));
  SKEW_RETURN_IF_ERROR(artifacts_.AddGrid("samples-by-class.png", evaluator_->SamplesByClass(kPerClass), kPerClass));
  SKEW_RETURN_IF_ERROR(artifacts_.AddGrid("real-by-class.png", real_samples_, kPerClass));
  SKEW_RETURN_IF_ERROR(artifacts_.Add("manifest.csv", "text/csv", ManifestCsv(subset_)));
  if (!trains()) return absl::OkStatus();
  SKEW_RETURN_IF_ERROR(artifacts_.Add("losses.csv", "text/csv", trainer_->losses().Csv()));
  SKEW_ASSIGN_OR_RETURN(const Checkpoint checkpoint, trainer_->Save());
  return artifacts_.Add("checkpoint.pt", "application/octet-stream", SerializeTensors(checkpoint.state));
}

absl::Status StudyRun::WriteCheckpoint() {
  if (checkpoint_step_ == step()) return absl::OkStatus();
  SKEW_ASSIGN_OR_RETURN(Checkpoint checkpoint, trainer_->Save());
  checkpoint.state[kIdentity] = TensorOfText(IdentityOf(context_.order));
  checkpoint.state[kUnreported] = TensorOfReports(context_.session->UnacknowledgedResults());
  SKEW_RETURN_IF_ERROR(checkpoints_.Write(checkpoint));
  checkpoint_step_ = step();
  checkpoint_time_ = context_.clock->Now();
  return absl::OkStatus();
}

absl::Status StudyRun::WriteCheckpointIfDue() {
  const absl::Duration age = context_.clock->Now() - checkpoint_time_;
  return age < absl::Seconds(settings_.checkpoint_seconds) ? absl::OkStatus() : WriteCheckpointIfRoom();
}

absl::Status StudyRun::WriteCheckpointIfRoom() {
  absl::Status written = WriteCheckpoint();
  if (!MayPass(written)) return written;
  spdlog::warn("goes on without a new checkpoint: {}", std::string(written.message()));
  checkpoint_time_ = context_.clock->Now();
  return absl::OkStatus();
}

absl::StatusOr<Report> StudyRun::StopEarly() {
  if (!trains() || context_.stop->get() == Stop::kCancel) return StoppedReport(0);
  SKEW_RETURN_IF_ERROR(WriteCheckpointIfRoom());
  return StoppedReport(checkpoint_step_.value_or(0));
}

}  // namespace skew::train
