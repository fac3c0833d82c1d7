// The API of a real daemon. An input is a list of calls (see framing.h): the two bytes before each pick a method, the
// rest is its request as it goes over the wire. The calls of an input follow each other on one daemon, which also keeps
// what earlier inputs did; it is replaced after some of them.
#include <algorithm>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "common/digest.h"
#include "common/expansion.h"
#include "common/status.h"
#include "google/protobuf/stubs/logging.h"
#include "google/protobuf/text_format.h"
#include "gtest/gtest.h"
#include "server/api/access_rules.h"
#include "server/api/spec_defaults.h"
#include "spdlog/spdlog.h"
#include "tests/fuzz/framing.h"
#include "tests/fuzz/message_mutator.h"
#include "tests/fuzz/target.h"
#include "tests/testing/raw_call.h"
#include "tests/testing/test_daemon.h"

namespace skew::fuzz {
namespace {

namespace fs = std::filesystem;
using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::MethodDescriptor;

constexpr size_t kMostCalls = 8;
constexpr int kInputsPerDaemon = 200;
constexpr int64_t kMostRuns = 200;  // of one submission; more would only be slow
constexpr absl::Duration kPatience = absl::Seconds(30);
constexpr absl::Duration kStreamPatience = absl::Milliseconds(15);  // some streams never end

// Every method, at a place made from its name, so that the inputs that were kept still mean the same when there is a
// new one. A head picks the first method at or after it.
const std::map<uint16_t, const MethodDescriptor*>& Methods() {
  static const auto& methods = *new std::map<uint16_t, const MethodDescriptor*>([] {
    std::map<uint16_t, const MethodDescriptor*> places;
    for (const AccessRule& rule : AccessRules()) {
      const std::string name(rule.method);
      const MethodDescriptor* method = google::protobuf::DescriptorPool::generated_pool()->FindMethodByName(name);
      uint32_t place = 0;
      Require(method != nullptr && absl::SimpleHexAtoi(Sha256Hex(name).substr(0, 4), &place), name);
      while (!places.emplace(static_cast<uint16_t>(place), method).second) ++place;
    }
    return places;
  }());
  return methods;
}

const MethodDescriptor& MethodOf(uint16_t head) {
  const auto found = Methods().lower_bound(head);
  return *(found == Methods().end() ? Methods().begin() : found)->second;
}

// What every daemon begins with: a finished study of two runs (j2) with its classifier (j1), a failed one (j3), one
// that waits (j4) since the only device is drained, a second user and a token (t1).
void MakeHistory(const std::string& state) {
  TestDaemon daemon;
  v1::JobSpec spec = TestDaemon::Spec("losses");
  spec.set_iterations(2);
  daemon.Await(daemon.MustSubmit(spec));
  daemon.Await(daemon.MustSubmit(TestDaemon::Spec("fail")));
  grpc::ClientContext draining;
  v1::DrainDeviceResponse drained;
  Require(daemon.queue().DrainDevice(&draining, {}, &drained).ok(), "cannot drain");
  daemon.MustSubmit(TestDaemon::Spec("wait"));
  grpc::ClientContext call;
  daemon.CallAs(call, "ada");
  daemon.Stop();
  fs::copy(daemon.folder() + "/state", state, fs::copy_options::recursive);
}

const std::string& History() {
  static const TempFolder folder;
  static const std::string& state = *new std::string(folder.path() + "/state");
  if (!fs::exists(state)) MakeHistory(state);
  return state;
}

std::unique_ptr<TestDaemon> NewDaemon() {
  return std::make_unique<TestDaemon>([](Daemon::Options& options) {
    fs::copy(History(), options.state_dir, fs::copy_options::recursive | fs::copy_options::skip_existing);
    options.worker_program = "/bin/true";  // when the device is undrained: every worker is lost
    options.disk_reserve_bytes = 0;
  });
}

TestDaemon& FuzzedDaemon() {
  static std::unique_ptr<TestDaemon> daemon;
  static int inputs = 0;
  if (inputs++ % kInputsPerDaemon == 0) {
    spdlog::set_level(spdlog::level::off);
    google::protobuf::SetLogHandler(nullptr);
    GTEST_FLAG_SET(break_on_failure, true);  // of the daemon's own checks at its end
    daemon.reset();
    daemon = NewDaemon();
  }
  return *daemon;
}

bool IsLarge(const Message& request) {
  if (const auto* submit = dynamic_cast<const v1::SubmitJobRequest*>(&request)) {
    v1::JobSpec spec = submit->spec();
    FillDefaults(spec);
    const int64_t runs = CountRuns(spec);
    return runs > kMostRuns && runs <= 100'000;
  }
  const auto* extend = dynamic_cast<const v1::ExtendJobRequest*>(&request);
  return extend != nullptr && extend->iterations() > 20 && extend->iterations() <= 1000;
}

// Codes that the services document, for a request that can be read.
bool IsExpected(grpc::StatusCode code, const MethodDescriptor& method) {
  static const std::set<grpc::StatusCode>& always = *new std::set<grpc::StatusCode>{
      grpc::StatusCode::OK,
      grpc::StatusCode::INVALID_ARGUMENT,
      grpc::StatusCode::NOT_FOUND,
      grpc::StatusCode::ALREADY_EXISTS,
      grpc::StatusCode::FAILED_PRECONDITION,
      grpc::StatusCode::OUT_OF_RANGE,
      grpc::StatusCode::RESOURCE_EXHAUSTED,
  };
  return always.contains(code) || (code == grpc::StatusCode::DEADLINE_EXCEEDED && method.server_streaming());
}

void CheckStatus(const MethodDescriptor& method, const Message& request, const grpc::Status& status) {
  const auto text = [&] {
    return absl::StrCat(method.full_name(), " answers ", static_cast<int>(status.error_code()), " '",
                        status.error_message(), "' to ", request.ShortDebugString().substr(0, 2000));
  };
  if (!IsExpected(status.error_code(), method)) Fail(text());
  if (status.ok()) return;
  if (status.error_message().empty()) Fail(text());
  // What gRPC says of too large a message or error, unless that is quoted from the request.
  for (const char* complaint : {" exceeds ", "larger than max"}) {
    if (!absl::StrContains(status.error_message(), complaint)) continue;
    if (!absl::StrContains(request.SerializeAsString(), complaint)) Fail(text());
  }
  if (status.error_code() != grpc::StatusCode::INVALID_ARGUMENT) return;
  const std::vector<v1::FieldViolation> violations = FieldViolations(FromGrpc(status));
  if (violations.empty()) Fail(absl::StrCat("no field is named: ", text()));
  for (const v1::FieldViolation& violation : violations) {
    if (violation.field().empty() || violation.description().empty()) Fail(text());
  }
}

void Call(TestDaemon& daemon, const Part& call) {
  const MethodDescriptor& method = MethodOf(call.head);
  const std::unique_ptr<Message> request = NewMessage(*method.input_type());
  const bool readable = request->ParseFromString(call.bytes);
  if (readable && IsLarge(*request)) return;
  std::vector<std::string> responses;
  const grpc::Status status =
      RawCall(daemon.channel(), absl::StrCat("/", method.service()->full_name(), "/", method.name()), call.bytes, {},
              &responses, method.server_streaming() ? kStreamPatience : kPatience);
  if (!readable) return Require(!status.ok(), absl::StrCat(method.full_name(), " accepts what it cannot read"));
  CheckStatus(method, *request, status);
  for (const std::string& bytes : responses) {
    Require(NewMessage(*method.output_type())->ParseFromString(bytes),
            absl::StrCat(method.full_name(), " answers what cannot be read"));
  }
}

// A value for a field of this name that means something to the daemon.
std::string ExampleOf(const std::string& field) {
  static const std::map<std::string, std::string>& examples = *new std::map<std::string, std::string>{
      {"job_id", "j2"},   {"job_ids", "j2"}, {"run_id", "j2.1"},     {"other_run_id", "j2.2"},
      {"token_id", "t1"}, {"user", "ada"},   {"name", "losses.csv"}, {"device", "cpu0"}};
  const auto found = examples.find(field);
  return found == examples.end() ? "" : found->second;
}

uint16_t HeadOf(absl::string_view method) {
  for (const auto& [place, one] : Methods()) {
    if (one->full_name() == method) return place;
  }
  Fail(absl::StrCat("there is no method ", method));
}

std::string ExampleRequest(const MethodDescriptor& method) {
  const std::unique_ptr<Message> request = NewMessage(*method.input_type());
  for (int i = 0; i < method.input_type()->field_count(); ++i) {
    const FieldDescriptor* field = method.input_type()->field(i);
    const std::string example = ExampleOf(field->name());
    if (example.empty() || field->cpp_type() != FieldDescriptor::CPPTYPE_STRING) continue;
    field->is_repeated() ? request->GetReflection()->AddString(request.get(), field, example)
                         : request->GetReflection()->SetString(request.get(), field, example);
  }
  return request->SerializeAsString();
}

template <typename Request>
Part Example(absl::string_view method, const std::string& text) {
  Request request;
  Require(google::protobuf::TextFormat::ParseFromString(text, &request), text);
  return {HeadOf(method), request.SerializeAsString()};
}

constexpr char kSubmit[] = "skew.v1.JobService.SubmitJob";
constexpr char kStudy[] =
    "dataset: 'tiny' bias { fixed { key: 0 value: 20 } fixed { key: 2 value: 20 } varied { class: 1 counts: 5 } } "
    "models { vae {} } labels { key: 'a' value: 'b' } ";

void MutateCalls(MessageMutator& mutator, std::vector<Part>& calls) {
  const size_t chosen = calls.empty() ? 0 : mutator.Pick(calls.size());
  const size_t what = mutator.Pick(10);
  if (calls.empty() || (what == 0 && calls.size() < kMostCalls)) {
    const auto method = std::next(Methods().begin(), static_cast<std::ptrdiff_t>(mutator.Pick(Methods().size())));
    calls.insert(calls.begin() + static_cast<std::ptrdiff_t>(chosen), {method->first, ExampleRequest(*method->second)});
  } else if (what == 1) {
    calls.erase(calls.begin() + static_cast<std::ptrdiff_t>(chosen));
  } else if (what == 2) {
    std::swap(calls[chosen], calls[mutator.Pick(calls.size())]);
  } else {
    const std::unique_ptr<Message> request = NewMessage(*MethodOf(calls[chosen].head).input_type());
    if (!request->ParseFromString(calls[chosen].bytes)) return;
    mutator.Mutate(*request);
    calls[chosen].bytes = request->SerializeAsString();
  }
}

}  // namespace

std::vector<std::string> Seeds() {
  std::vector<std::string> seeds;
  for (const auto& [place, method] : Methods()) seeds.push_back(JoinParts({{place, ExampleRequest(*method)}}));
  const auto submit = [](const std::string& text) { return Example<v1::SubmitJobRequest>(kSubmit, text); };
  const std::string study = absl::StrCat("spec { ", kStudy, "} ");
  const Part list = Example<v1::ListJobsRequest>("skew.v1.JobService.ListJobs",
                                                 "page_size: 1 filter { owner: 'root' states: JOB_QUEUED kind: STUDY "
                                                 "labels { key: 'a' value: 'b' } }");
  const Part cancel = Example<v1::CancelJobRequest>("skew.v1.JobService.CancelJob", "job_id: 'j5'");
  const Part retry = Example<v1::RetryJobRequest>("skew.v1.JobService.RetryJob", "job_id: 'j5'");
  seeds.push_back(JoinParts(
      {submit(study + "request_id: 'r' priority: 3 after: 'j2' need { memory_bytes: 5 }"), list, cancel, retry}));
  seeds.push_back(JoinParts({submit(study + "validate_only: true")}));
  seeds.push_back(JoinParts({submit("spec { dataset: 'tiny' classifier { epochs: 1 seed: 9 } }")}));
  seeds.push_back(JoinParts(
      {submit(absl::StrCat("spec { ", kStudy, "iterations: 9 stop { class: 1 half_width: 0.1 } } paused: true"))}));
  seeds.push_back(JoinParts(
      {Example<v1::ExtendJobRequest>("skew.v1.ReuseService.ExtendJob", "job_id: 'j2' iterations: 4 request_id: 'e'"),
       Example<v1::GetResultsRequest>("skew.v1.JobService.GetResults", "job_id: 'j2' include_runs: true")}));
  // More wrong than a status can carry.
  std::string models;
  for (int i = 0; i < 300; ++i) absl::StrAppend(&models, "models {} ");
  seeds.push_back(JoinParts({submit(absl::StrCat("spec { ", models, "dataset: '", std::string(9000, 'x'), "' }"))}));
  seeds.push_back(JoinParts({{HeadOf("skew.v1.JobService.GetJob"), "\x0a\x02\xff\xff"}}));
  return seeds;
}

}  // namespace skew::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  skew::TestDaemon& daemon = skew::fuzz::FuzzedDaemon();
  const absl::string_view input(reinterpret_cast<const char*>(data), size);
  for (const skew::fuzz::Part& call : skew::fuzz::SplitParts(input, skew::fuzz::kMostCalls)) {
    skew::fuzz::Call(daemon, call);
  }
  return 0;
}

extern "C" size_t LLVMFuzzerCustomMutator(uint8_t* data, size_t size, size_t max_size, unsigned seed) {
  skew::fuzz::MessageMutator mutator(seed, {"j1",
                                            "j2",
                                            "j3",
                                            "j4",
                                            "j5",
                                            "j2.1",
                                            "j2.2",
                                            "j3.1",
                                            "j4.1",
                                            "j9",
                                            "t1",
                                            "t2",
                                            "ada",
                                            "root",
                                            "tiny",
                                            "a",
                                            "b",
                                            "r",
                                            "cpu0",
                                            "samples.txt",
                                            "losses.csv",
                                            "classifier.pt",
                                            "script",
                                            "finish",
                                            std::string(64, 'a')});
  if (mutator.Pick(5) == 0) return LLVMFuzzerMutate(data, size, max_size);
  std::vector<skew::fuzz::Part> calls =
      skew::fuzz::SplitParts({reinterpret_cast<const char*>(data), size}, skew::fuzz::kMostCalls);
  skew::fuzz::MutateCalls(mutator, calls);
  return skew::fuzz::PutInput(skew::fuzz::JoinParts(calls), data, size, max_size);
}
