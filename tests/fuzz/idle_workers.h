// A real daemon whose workers do nothing: who attaches in their place says what they report and how they end.
#ifndef SKEW_TESTS_FUZZ_IDLE_WORKERS_H_
#define SKEW_TESTS_FUZZ_IDLE_WORKERS_H_

#include <memory>
#include <string>
#include <vector>

#include "google/protobuf/message.h"
#include "grpcpp/grpcpp.h"
#include "skew/v1/job.pb.h"
#include "tests/testing/temp_folder.h"
#include "tests/testing/test_daemon.h"

namespace skew::fuzz {

// A pipe with a name. Open for both directions, it never ends and never blocks an open.
class NamedPipe {
 public:
  explicit NamedPipe(const std::string& path);
  ~NamedPipe();
  NamedPipe(const NamedPipe&) = delete;
  NamedPipe& operator=(const NamedPipe&) = delete;

  std::string ReadLine() const;
  void Write(const std::string& text) const;
  // Forgets what nobody has read.
  void Drain() const;

 private:
  int fd_ = -1;
};

// Whatever goes wrong ends the process (see target.h).
class IdleWorkers {
 public:
  IdleWorkers();

  // Submits a job of one run and attaches for its first attempt with the messages, a Hello before them; the worker then
  // ends with this exit code. Returns the job's id when it has ended. The file "file" is in the run's work folder.
  std::string Run(const v1::JobSpec& spec, std::vector<std::string> messages, int exit_code);

  // Attaches with the messages only, as somebody who has no token.
  void RunAsStranger(const std::vector<std::string>& messages);

  // Whether the job has trained one.
  bool HasClassifier(const std::string& job);

  // Asks for everything that is computed from a job's reports.
  void AskAbout(const std::string& job);

 private:
  std::string WriteProgram() const;
  void AwaitEnd(const std::string& job);
  void Ask(const std::string& method, const google::protobuf::Message& request);

  const TempFolder pipes_;
  const NamedPipe tokens_;
  const NamedPipe ends_;
  TestDaemon daemon_;
  std::shared_ptr<grpc::Channel> worker_channel_;
};

// Of "file".
inline constexpr char kFileContent[] = "weights";

}  // namespace skew::fuzz

#endif  // SKEW_TESTS_FUZZ_IDLE_WORKERS_H_
