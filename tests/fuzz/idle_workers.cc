#include "tests/fuzz/idle_workers.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <set>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "common/file.h"
#include "skew/v1/analysis_service.pb.h"
#include "skew/worker/v1/worker.pb.h"
#include "tests/fuzz/target.h"
#include "tests/testing/raw_call.h"

namespace skew::fuzz {
namespace {

constexpr char kAttach[] = "/skew.worker.v1.WorkerService/Attach";
constexpr absl::Duration kPatience = absl::Seconds(60);

std::string Text(const grpc::Status& status) {
  return absl::StrCat(static_cast<int>(status.error_code()), " '", status.error_message(), "'");
}

void CheckAttach(const grpc::Status& status, const std::vector<std::string>& answers) {
  static const std::set<grpc::StatusCode>& expected = *new std::set<grpc::StatusCode>{
      grpc::StatusCode::OK, grpc::StatusCode::INVALID_ARGUMENT, grpc::StatusCode::NOT_FOUND,
      grpc::StatusCode::FAILED_PRECONDITION, grpc::StatusCode::DATA_LOSS};
  Require(expected.contains(status.error_code()), absl::StrCat("Attach ends with ", Text(status)));
  worker::v1::DaemonMessage first;
  Require(!answers.empty() && first.ParseFromString(answers.front()) && first.has_order(), "no order comes first");
}

}  // namespace

NamedPipe::NamedPipe(const std::string& path) {
  Require(mkfifo(path.c_str(), 0600) == 0, path);
  fd_ = open(path.c_str(), O_RDWR | O_CLOEXEC);
  Require(fd_ >= 0, path);
}

NamedPipe::~NamedPipe() { close(fd_); }

std::string NamedPipe::ReadLine() const {
  std::string line;
  while (true) {
    char c = 0;
    const ssize_t count = read(fd_, &c, 1);
    if (count < 0 && errno == EINTR) continue;  // libFuzzer's clock
    Require(count == 1, "cannot read from a pipe");
    if (c == '\n') return line;
    line.push_back(c);
  }
}

void NamedPipe::Write(const std::string& text) const {
  Require(write(fd_, text.data(), text.size()) == static_cast<ssize_t>(text.size()), "cannot write to a pipe");
}

void NamedPipe::Drain() const {
  fcntl(fd_, F_SETFL, O_NONBLOCK);
  char ignored[4096];
  while (read(fd_, ignored, sizeof(ignored)) > 0) {
  }
  fcntl(fd_, F_SETFL, 0);
}

IdleWorkers::IdleWorkers()
    : tokens_(pipes_.path() + "/tokens"), ends_(pipes_.path() + "/ends"), daemon_([this](Daemon::Options& options) {
        options.worker_program = WriteProgram();
        options.disk_reserve_bytes = 0;
      }) {
  worker_channel_ = grpc::CreateChannel(absl::StrCat("unix:", daemon_.folder(), "/state/worker.sock"),
                                        grpc::InsecureChannelCredentials());
}

// It says its token and waits to be told how to end.
std::string IdleWorkers::WriteProgram() const {
  std::string path = pipes_.path() + "/worker";
  const std::string text = absl::StrCat("#!/bin/sh\necho \"$SKEW_ATTEMPT_TOKEN\" >'", pipes_.path(),
                                        "/tokens'\nread -r code <'", pipes_.path(), "/ends'\nexit \"$code\"\n");
  Require(WriteFileAtomically(path, text).ok() && chmod(path.c_str(), 0700) == 0, path);
  return path;
}

std::string IdleWorkers::Run(const v1::JobSpec& spec, std::vector<std::string> messages, int exit_code) {
  std::string job = daemon_.MustSubmit(spec);
  worker::v1::WorkerMessage hello;
  hello.mutable_hello()->set_token(tokens_.ReadLine());
  messages.insert(messages.begin(), hello.SerializeAsString());
  const absl::Status written =
      WriteFileAtomically(absl::StrCat(daemon_.folder(), "/state/work/", job, ".1/file"), kFileContent);
  Require(written.ok(), written.ToString());
  std::vector<std::string> answers;
  const grpc::Status status = RawStream(worker_channel_, kAttach, messages, {}, &answers, kPatience);
  CheckAttach(status, answers);
  ends_.Write(absl::StrCat(exit_code, "\n"));
  AwaitEnd(job);
  return job;
}

void IdleWorkers::RunAsStranger(const std::vector<std::string>& messages) {
  std::vector<std::string> answers;
  const grpc::Status status = RawStream(worker_channel_, kAttach, messages, {}, &answers, kPatience);
  Require(status.error_code() == grpc::StatusCode::INVALID_ARGUMENT ||
              status.error_code() == grpc::StatusCode::UNAUTHENTICATED,
          absl::StrCat("a stranger's Attach ends with ", Text(status)));
  Require(answers.empty(), "a stranger is answered");
}

bool IdleWorkers::HasClassifier(const std::string& job) {
  grpc::ClientContext context;
  v1::ListClassifiersResponse response;
  Require(daemon_.server().ListClassifiers(&context, {}, &response).ok(), "cannot list classifiers");
  return std::any_of(response.classifiers().begin(), response.classifiers().end(),
                     [&](const v1::Classifier& one) { return one.job_id() == job; });
}

void IdleWorkers::AskAbout(const std::string& job) {
  v1::GetResultsRequest results;
  results.set_job_id(job);
  results.set_include_runs(true);
  Ask("JobService/GetResults", results);
  v1::GetJobRequest get;
  get.set_job_id(job);
  Ask("JobService/GetJob", get);
  v1::ListRunsRequest runs;
  runs.set_job_id(job);
  Ask("RunService/ListRuns", runs);
  v1::ListArtifactsRequest artifacts;
  artifacts.set_job_id(job);
  Ask("ArtifactService/ListArtifacts", artifacts);
  v1::AnalyseJobsRequest analysis;
  analysis.add_job_ids(job);
  Ask("AnalysisService/AnalyseJobs", analysis);
  v1::CompareRunsRequest compare;
  compare.set_run_id(job + ".1");
  compare.set_other_run_id("j1.1");
  Ask("ReuseService/CompareRuns", compare);
  v1::WatchJobRequest watch;
  watch.set_job_id(job);
  Ask("JobService/WatchJob", watch);
  Ask("ServerService/ListClassifiers", v1::ListClassifiersRequest());
}

// The job is over, or it is cancelled when it waits for another attempt. No worker is left then.
void IdleWorkers::AwaitEnd(const std::string& job) {
  daemon_.WatchUntil(job, [](const v1::Event& event) {
    const v1::RunState state = event.run_state().state();
    return state == v1::SUCCEEDED || state == v1::FAILED || (state == v1::QUEUED && event.run_state().reason() != 0);
  });
  grpc::ClientContext context;
  v1::CancelJobRequest cancel;
  cancel.set_job_id(job);
  v1::Job response;
  daemon_.jobs().CancelJob(&context, cancel, &response);
  daemon_.Await(job);
  tokens_.Drain();
  ends_.Drain();
}

void IdleWorkers::Ask(const std::string& method, const google::protobuf::Message& request) {
  const grpc::Status status =
      RawCall(daemon_.channel(), "/skew.v1." + method, request.SerializeAsString(), {}, nullptr, kPatience);
  const bool refused = status.error_code() == grpc::StatusCode::FAILED_PRECONDITION ||
                       status.error_code() == grpc::StatusCode::NOT_FOUND;
  Require(status.ok() || refused, absl::StrCat(method, " answers ", Text(status), " to ", request.ShortDebugString()));
}

}  // namespace skew::fuzz
