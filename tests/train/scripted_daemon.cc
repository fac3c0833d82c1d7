#include "tests/train/scripted_daemon.h"

#include <filesystem>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/digest.h"

namespace skew::train {

using worker::v1::Command;
using worker::v1::DaemonMessage;
using worker::v1::Report;
using worker::v1::WorkerMessage;

ScriptedDaemon::ScriptedDaemon(const std::string& folder, worker::v1::WorkOrder order, Script script)
    : order_(std::move(order)), script_(std::move(script)), address_(absl::StrCat("unix:", folder, "/daemon.sock")) {
  grpc::ServerBuilder builder;
  builder.AddListeningPort(address_, grpc::InsecureServerCredentials());
  builder.RegisterService(this);
  server_ = builder.BuildAndStart();
}

ScriptedDaemon::~ScriptedDaemon() { server_->Shutdown(std::chrono::system_clock::now()); }

std::vector<Report> ScriptedDaemon::reports() const {
  absl::MutexLock lock(&mutex_);
  return reports_;
}

int ScriptedDaemon::repeats() const {
  absl::MutexLock lock(&mutex_);
  return repeats_;
}

worker::v1::Hello ScriptedDaemon::hello() const {
  absl::MutexLock lock(&mutex_);
  return hello_;
}

std::string ScriptedDaemon::problems() const {
  absl::MutexLock lock(&mutex_);
  return problems_;
}

grpc::Status ScriptedDaemon::Attach(grpc::ServerContext* /*context*/,
                                    grpc::ServerReaderWriter<DaemonMessage, WorkerMessage>* stream) {
  WorkerMessage message;
  if (!stream->Read(&message) || message.hello().token() != kToken) {
    return {grpc::StatusCode::UNAUTHENTICATED, "no such attempt"};
  }
  {
    absl::MutexLock lock(&mutex_);
    hello_ = message.hello();
  }
  DaemonMessage order;
  *order.mutable_order() = order_;
  stream->Write(order);
  while (stream->Read(&message)) {
    const Then then = Record(message.report()) ? script_(message.report()) : Then::kAcknowledge;
    if (then == Then::kBreak) return {grpc::StatusCode::UNAVAILABLE, "the script breaks the stream"};
    DaemonMessage answer;
    answer.mutable_acknowledgement()->set_number(message.report().number());
    stream->Write(answer);
    if (then == Then::kAcknowledge) continue;
    answer.mutable_command()->set_action(then == Then::kCancel ? Command::CANCEL : Command::CHECKPOINT_AND_STOP);
    stream->Write(answer);
  }
  return grpc::Status::OK;
}

bool ScriptedDaemon::Record(const Report& report) {
  {
    absl::MutexLock lock(&mutex_);
    if (report.number() <= static_cast<int64_t>(reports_.size())) {
      ++repeats_;
      return false;
    }
  }
  const std::string problem = report.has_artifact() ? TakeArtifact(report.artifact()) : "";
  absl::MutexLock lock(&mutex_);
  const int64_t expected = static_cast<int64_t>(reports_.size()) + 1;
  if (report.number() != expected) absl::StrAppend(&problems_, "report ", report.number(), " is no. ", expected, "\n");
  absl::StrAppend(&problems_, problem);
  reports_.push_back(report);
  return true;
}

std::string ScriptedDaemon::TakeArtifact(const worker::v1::NewArtifact& artifact) const {
  const std::string path = absl::StrCat(order_.work_dir(), "/", artifact.file());
  const std::string taken = absl::StrCat(order_.work_dir(), "/taken-", artifact.name());
  // As the store: what it has already need not be there once more.
  if (const auto known = Sha256HexOfFile(taken); known.ok() && *known == artifact.digest()) return "";
  const absl::StatusOr<std::string> digest = Sha256HexOfFile(path);
  if (!digest.ok()) return absl::StrCat(digest.status().message(), "\n");
  if (*digest != artifact.digest()) return absl::StrCat(path, " has another digest than reported\n");
  if (static_cast<int64_t>(std::filesystem::file_size(path)) != artifact.size_bytes()) {
    return absl::StrCat(path, " has another size than reported\n");
  }
  std::filesystem::rename(path, taken);
  return "";
}

}  // namespace skew::train
