// How a training tells where it stands.
#ifndef SKEW_SERVER_TRAIN_PROGRESS_METER_H_
#define SKEW_SERVER_TRAIN_PROGRESS_METER_H_

#include <cstdint>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "common/clock.h"
#include "server/train/trainer.h"
#include "server/train/worker_session.h"

namespace skew::train {

// Reports the progress of one trainer: losses and speed since the report before.
class ProgressMeter {
 public:
  // All borrowed; the first report counts from here.
  ProgressMeter(Trainer* trainer, int64_t total_steps, WorkerSession* session, Clock* clock);

  // Reports when the report before is at least a second old. Errors are those of Trainer::Flush.
  absl::Status ReportIfDue();
  // Reports now, unless nothing has happened since the report before.
  absl::Status Report();

 private:
  Trainer* trainer_;
  int64_t total_steps_;
  WorkerSession* session_;
  Clock* clock_;
  int64_t step_;
  absl::Time time_;
};

}  // namespace skew::train

#endif  // SKEW_SERVER_TRAIN_PROGRESS_METER_H_
