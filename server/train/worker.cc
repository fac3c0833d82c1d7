#include "server/train/worker.h"

#include <exception>
#include <map>
#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/str_join.h"
#include "common/file.h"
#include "common/status.h"
#include "server/train/engine/engine.h"
#include "server/train/engine/memory_cap.h"
#include "server/train/failure.h"
#include "server/train/run.h"
#include "server/train/work_lock.h"
#include "server/train/worker_session.h"
#include "spdlog/spdlog.h"

namespace skew::train {
namespace {

using worker::v1::Report;
using worker::v1::WorkOrder;

constexpr absl::Duration kLockPatience = absl::Seconds(10);

absl::StatusOr<Report> Work(RunContext& context) {
  SKEW_ASSIGN_OR_RETURN(context.engine, EngineFor(context.order.device()));
  const absl::StatusOr<WorkLock> lock = WorkLock::Acquire(context.order.work_dir(), kLockPatience, *context.stop);
  if (absl::IsCancelled(lock.status())) return StoppedReport(0);
  SKEW_RETURN_IF_ERROR(lock.status());
  const absl::Status capped =
      CapMemory(context.engine, context.order.memory_bytes(), context.order.device_memory_bytes());
  if (!capped.ok())
    spdlog::warn("memory is not limited to {} bytes: {}", context.order.memory_bytes(), capped.ToString());
  if (context.order.threads() > 0) SetThreads(context.order.threads());
  return context.order.spec().has_classifier() ? RunClassifierTraining(context) : RunStudy(context);
}

Report FailedReport(worker::v1::Failed failed) {
  spdlog::error("failed ({}): {}", v1::Reason_Name(failed.reason()), failed.message());
  Report report;
  *report.mutable_failed() = std::move(failed);
  return report;
}

// Work with every error turned into a report.
Report WorkOrFail(RunContext& context) {
  try {
    absl::StatusOr<Report> report = Work(context);
    if (report.ok()) return *std::move(report);
    return FailedReport(FailureOf(report.status()));
  } catch (const std::exception& error) {
    return FailedReport(FailureOf(error));
  }
}

// "0:100 1:10", by class.
std::string CountsOf(const v1::BiasPoint& point) {
  const std::map<int32_t, int32_t> sorted(point.counts().begin(), point.counts().end());
  return absl::StrJoin(sorted, " ", absl::PairFormatter(":"));
}

std::string Describe(const WorkOrder& order) {
  const std::string what =
      order.spec().has_classifier() ? "classifier of " + order.spec().dataset() : CountsOf(order.bias_point());
  return order.run_id() + ", attempt " + std::to_string(order.attempt()) + ", " + what + ", " + order.device() +
         " with " + std::to_string(order.threads()) + " threads";
}

void LogEnd(const Report& report) {
  if (report.has_finished()) spdlog::info("finished");
  if (report.has_stopped()) spdlog::info("stopped at step {}", report.stopped().checkpoint_step());
}

int ExitDaemonLost(const WorkOrder& order) {
  const absl::Status noted = WriteFileAtomically(DaemonLostNote(order.work_dir(), order.attempt()), "");
  if (!noted.ok()) spdlog::warn("a later daemon will take this for a crash: {}", noted.ToString());
  return kExitDaemonLost;
}

}  // namespace

int RunWorker(const WorkerOptions& options, StopRequest* stop, Clock* clock) {
  PrepareProcess();
  if (const std::string problem = BlasProblem(); !problem.empty()) spdlog::warn(problem);
  WorkerSession session({options.daemon, options.token, EngineDescription(), options.patience}, stop);
  absl::StatusOr<WorkOrder> order = session.AwaitOrder();
  if (!order.ok()) {
    spdlog::error("no order from {}: {}", options.daemon, order.status().ToString());
    return absl::IsUnavailable(order.status()) ? kExitDaemonLost : kExitRefused;
  }
  spdlog::info("works on {}", Describe(*order));
  RunContext context{*std::move(order), Engine(), &session, stop, clock};
  Report report = WorkOrFail(context);
  if (stop->get() == Stop::kDaemonLost) {
    spdlog::error("the daemon is gone");
    return ExitDaemonLost(context.order);
  }
  LogEnd(report);
  session.Send(std::move(report));
  const absl::Status acknowledged = session.AwaitAcknowledged();
  if (acknowledged.ok()) return kExitReported;
  spdlog::error("{}", acknowledged.ToString());
  return ExitDaemonLost(context.order);
}

}  // namespace skew::train
