#include "server/train/progress_meter.h"

#include <algorithm>
#include <utility>

#include "common/status.h"

namespace skew::train {

absl::Duration ReportInterval(absl::Duration trained) {
  return std::clamp(trained / 20, absl::Seconds(1), absl::Seconds(5));
}

ProgressMeter::ProgressMeter(Trainer* trainer, int64_t total_steps, WorkerSession* session, Clock* clock)
    : trainer_(trainer),
      total_steps_(total_steps),
      session_(session),
      clock_(clock),
      step_(trainer->step()),
      time_(clock->Now()),
      begin_(time_) {}

absl::Status ProgressMeter::ReportIfDue() {
  const absl::Time now = clock_->Now();
  return now - time_ >= ReportInterval(now - begin_) ? Report() : absl::OkStatus();
}

absl::Status ProgressMeter::Report() {
  SKEW_RETURN_IF_ERROR(trainer_->Flush());
  if (trainer_->step() == step_) return absl::OkStatus();
  const absl::Time now = clock_->Now();
  worker::v1::Report report;
  v1::Progress& progress = *report.mutable_progress();
  progress.set_step(static_cast<int32_t>(trainer_->step()));
  progress.set_total_steps(static_cast<int32_t>(total_steps_));
  progress.set_epoch(trainer_->epoch());
  for (const auto& [name, mean] : trainer_->losses().MeansAfter(step_)) (*progress.mutable_metrics())[name] = mean;
  const double seconds = std::max(absl::ToDoubleSeconds(now - time_), 1e-6);
  progress.set_steps_per_second(static_cast<double>(trainer_->step() - step_) / seconds);
  session_->Send(std::move(report));
  step_ = trainer_->step();
  time_ = now;
  return absl::OkStatus();
}

}  // namespace skew::train
