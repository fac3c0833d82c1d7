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

// How old a report must be for another one, when so much time has gone into the training: the twentieth part of that,
// but no less than a second and no more than five. Every report is kept as an event and sent to every watcher.
absl::Duration ReportInterval(absl::Duration trained);

// Reports the progress of one trainer: losses and speed since the report before.
class ProgressMeter {
 public:
  // All borrowed; the first report counts from here.
  ProgressMeter(Trainer* trainer, int64_t total_steps, WorkerSession* session, Clock* clock);

  // Reports when the report before is as old as ReportInterval says. Errors are those of Trainer::Flush.
  absl::Status ReportIfDue();
  // Reports now, unless nothing has happened since the report before.
  absl::Status Report();

 private:
  Trainer* trainer_;
  int64_t total_steps_;
  WorkerSession* session_;
  Clock* clock_;
  int64_t step_;
  absl::Time time_;  // of the report before
  const absl::Time begin_;
};

}  // namespace skew::train

#endif  // SKEW_SERVER_TRAIN_PROGRESS_METER_H_
