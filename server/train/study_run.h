// A study's run while it goes on.
#ifndef SKEW_SERVER_TRAIN_STUDY_RUN_H_
#define SKEW_SERVER_TRAIN_STUDY_RUN_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "server/train/artifacts.h"
#include "server/train/data/subset.h"
#include "server/train/engine/checkpoint.h"
#include "server/train/eval/classifier.h"
#include "server/train/evaluator.h"
#include "server/train/models/generative_model.h"
#include "server/train/progress_meter.h"
#include "server/train/run.h"
#include "server/train/run_settings.h"
#include "server/train/torch.h"
#include "server/train/trainer.h"

namespace skew::train {

// Two phases: the training with its evaluations, then the final histogram and the artifacts. A checkpoint is written
// between them, so that a stop in the second phase costs no training.
//
// A checkpoint of step s stands for the moment before the evaluation of s: a run that resumes there evaluates s again,
// which gives the same histogram (see Evaluator). What was reported of earlier steps and is not acknowledged is in the
// checkpoint and is reported again: the daemon may have been away since, and the worker may end before it is back.
//
// A checkpoint says which run it is of, by content (see ContentKeys): one of another run that had the same name, before
// the store was restored from a backup, is passed over. So is one that is damaged or does not fit; then the one before
// is taken.
class StudyRun {
 public:
  // Reads the dataset, draws the subset, makes or resumes the model and reports Started. `context` is borrowed.
  // INVALID_ARGUMENT when the order's settings cannot work; NOT_FOUND, DATA_LOSS or FAILED_PRECONDITION when something
  // it names is not there, damaged or another one.
  static absl::StatusOr<std::unique_ptr<StudyRun>> Start(const RunContext& context);

  // The last report (see RunStudy).
  absl::StatusOr<worker::v1::Report> Run();

 private:
  StudyRun(const RunContext& context, RunSettings settings)
      : context_(context),
        settings_(std::move(settings)),
        artifacts_(context.order.work_dir(), context.session, context.stop),
        checkpoints_(context.order.work_dir()) {}

  absl::Status LoadJudges(const DatasetContent& dataset);
  std::vector<Evaluator::FurtherJudge> FurtherJudges() const;
  absl::Status MakeModelAndTrainer(const DatasetContent& dataset, const at::Tensor& images);
  absl::Status Resume(const DatasetContent& dataset, const at::Tensor& images);
  // DATA_LOSS when it is not one of this run; then model and trainer are to be made anew.
  absl::Status TakeUp(const Checkpoint& checkpoint);

  // Both return at once when a stop is asked for.
  absl::Status Train();
  absl::Status Conclude();

  absl::Status Evaluate();
  // After an evaluation that a stop cut short there is nothing to report: OK.
  absl::Status ReportHistogram(absl::StatusOr<v1::ClassHistogram> histogram, bool final);
  // With the measures of the images, where the job asks for them.
  absl::StatusOr<v1::ClassHistogram> JudgeFinal();
  absl::Status ReportFinalArtifacts();
  absl::Status WriteCheckpoint();
  absl::Status WriteCheckpointIfDue();
  // A full disk does not end a run: then the last one stays the newest.
  absl::Status WriteCheckpointIfRoom();
  absl::StatusOr<worker::v1::Report> StopEarly();

  bool trains() const { return settings_.total_steps > 0; }
  int64_t step() const { return trainer_ ? trainer_->step() : 0; }
  bool stopped() const { return context_.stop->raised(); }

  const RunContext& context_;
  const RunSettings settings_;
  Artifacts artifacts_;
  CheckpointFolder checkpoints_;
  // Of the checkpoint that was resumed.
  std::vector<worker::v1::Report> unreported_;
  Subset subset_;
  // The first images of every class that it is trained on.
  at::Tensor real_samples_;
  std::unique_ptr<Classifier> classifier_;
  // In the order of the work order.
  std::vector<std::unique_ptr<Classifier>> more_judges_;
  std::unique_ptr<GenerativeModel> model_;
  // Absent for a family that is not trained.
  std::unique_ptr<Trainer> trainer_;
  std::unique_ptr<Evaluator> evaluator_;
  absl::Time checkpoint_time_;
  std::optional<int64_t> checkpoint_step_;
};

}  // namespace skew::train

#endif  // SKEW_SERVER_TRAIN_STUDY_RUN_H_
