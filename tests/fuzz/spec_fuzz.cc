// A job specification, as a client reads it from a file and a server checks and expands it. The input is read three
// times: as YAML (or JSON) and as text protobuf, where lines "--set PATH=VALUE" are overrides and no part of the text,
// and as a serialised JobSpec.
#include <algorithm>
#include <optional>
#include <sstream>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "client/error_text.h"
#include "client/field_override.h"
#include "client/render/message_text.h"
#include "client/spec_file.h"
#include "client/text.h"
#include "common/content_key.h"
#include "common/expansion.h"
#include "common/status.h"
#include "google/protobuf/io/coded_stream.h"
#include "google/protobuf/io/zero_copy_stream_impl_lite.h"
#include "google/protobuf/stubs/logging.h"
#include "google/protobuf/text_format.h"
#include "server/api/spec_check.h"
#include "server/api/spec_defaults.h"
#include "tests/fuzz/message_mutator.h"
#include "tests/fuzz/target.h"

namespace skew::fuzz {
namespace {

constexpr absl::string_view kOverride = "--set ";
// Larger jobs are checked, but not expanded: that would only be slow.
constexpr int64_t kMostRuns = 500;

v1::Dataset Mnist() {
  v1::Dataset dataset;
  dataset.set_name("mnist");
  dataset.set_digest(std::string(64, 'a'));
  dataset.set_classes(10);
  dataset.set_height(28);
  dataset.set_width(28);
  for (int32_t label = 0; label < 10; ++label) (*dataset.mutable_train_counts())[label] = 5000 + 100 * label;
  return dataset;
}

struct SpecInput {
  std::string text;
  std::vector<std::string> overrides;
};

SpecInput Split(absl::string_view bytes) {
  SpecInput input;
  std::vector<absl::string_view> lines;
  for (const absl::string_view line : absl::StrSplit(bytes, '\n')) {
    if (absl::StartsWith(line, kOverride)) {
      input.overrides.emplace_back(line.substr(kOverride.size()));
    } else {
      lines.push_back(line);
    }
  }
  input.text = absl::StrJoin(lines, "\n");
  return input;
}

// What a user is shown: says something, and nothing that a terminal would obey.
void CheckError(const absl::Status& status, absl::string_view source) {
  Require(absl::IsInvalidArgument(status), status.ToString());
  Require(!status.message().empty(), "an error without a message");
  const std::string text = ErrorText(status, source);
  Require(
      std::all_of(text.begin(), text.end(), [](char c) { return c == '\n' || static_cast<unsigned char>(c) >= 0x20; }),
      absl::StrCat("control characters in ", text));
}

// Equal specs have equal bytes.
std::string BytesOf(const v1::JobSpec& spec) {
  std::string bytes;
  google::protobuf::io::StringOutputStream stream(&bytes);
  google::protobuf::io::CodedOutputStream coded(&stream);
  coded.SetSerializationDeterministic(true);
  spec.SerializeToCodedStream(&coded);
  coded.Trim();
  return bytes;
}

void RequireEqual(const v1::JobSpec& spec, const absl::StatusOr<v1::JobSpec>& again, absl::string_view text) {
  Require(again.ok(), absl::StrCat(again.status().ToString(), "\nof what was printed:\n", text));
  if (BytesOf(spec) == BytesOf(*again)) return;
  Fail(absl::StrCat("printed:\n", text, "\nis not what was read:\n", spec.DebugString()));
}

// What is printed reads back as the same.
void CheckYaml(const v1::JobSpec& spec) {
  const std::string yaml = ToYaml(spec);
  RequireEqual(spec, ParseYamlSpec(yaml, "printed"), yaml);
}

void CheckOtherTexts(const v1::JobSpec& spec) {
  std::string text;
  Require(google::protobuf::TextFormat::PrintToString(spec, &text), "cannot print");
  RequireEqual(spec, ParseTextProtoSpec(text, "printed"), text);
  const std::string json = ToJson(spec);
  RequireEqual(spec, ParseYamlSpec(json, "printed"), json);
}

std::vector<v1::FieldViolation> Check(const v1::JobSpec& spec) {
  static const v1::Dataset& mnist = *new v1::Dataset(Mnist());
  if (spec.dataset() == mnist.name()) return CheckSpec(spec, mnist);
  return CheckSpec(spec, absl::NotFoundError(absl::StrCat("no dataset '", spec.dataset(), "'; there is: mnist")));
}

void CheckRun(const v1::JobSpec& spec, const ContentKeys& keys, const v1::Run& run) {
  Require(run.model_index() >= 0 && run.model_index() < spec.models_size(), "a run of no model");
  Require(run.iteration() >= 0 && run.iteration() < spec.iterations(), "a run of no iteration");
  Require(run.bias_point().counts_size() >= 2, "a run of less than two classes");
  for (const auto& [label, count] : run.bias_point().counts()) {
    Require(count >= 1 && count <= 5000 + 100 * label, absl::StrCat(count, " images of class ", label));
  }
  Require(keys.KeyOf(run).size() == 64, "a run without a content key");
}

void CheckRuns(const v1::JobSpec& spec) {
  const std::vector<v1::Run> runs = Expand(spec);
  const int64_t count = CountRuns(spec);
  Require(!runs.empty() && static_cast<int64_t>(runs.size()) <= count, absl::StrCat(runs.size(), " runs of ", count));
  if (!spec.has_stop()) Require(static_cast<int64_t>(runs.size()) == count, "runs are missing");
  if (spec.has_classifier()) return;
  const ContentKeys keys(spec, Mnist().digest(), v1::FP32);
  for (const v1::Run& run : runs) CheckRun(spec, keys, run);
}

void CheckAccepted(const v1::JobSpec& spec) {
  v1::JobSpec again = spec;
  FillDefaults(again);
  Require(BytesOf(spec) == BytesOf(again), "defaults are filled in twice");
  CheckYaml(spec);
  CheckOtherTexts(spec);
  if (CountRuns(spec) <= kMostRuns) CheckRuns(spec);
}

void CheckRefused(const std::vector<v1::FieldViolation>& violations) {
  for (const v1::FieldViolation& violation : violations) {
    Require(!violation.field().empty() && !violation.description().empty(), violation.ShortDebugString());
  }
  CheckError(FromGrpc(ToGrpc(InvalidFields(violations))), "spec.yaml");
}

void Submit(v1::JobSpec spec) {
  FillDefaults(spec);
  const std::vector<v1::FieldViolation> violations = Check(spec);
  if (violations.empty()) {
    CheckAccepted(spec);
  } else {
    CheckRefused(violations);
  }
}

void Override(v1::JobSpec& spec, const std::vector<std::string>& overrides) {
  for (const std::string& assignment : overrides) {
    const absl::Status status = ApplyOverride(assignment, spec);
    if (!status.ok()) CheckError(status, "");
  }
}

void RunText(const SpecInput& input, bool is_yaml) {
  absl::StatusOr<v1::JobSpec> spec =
      is_yaml ? ParseYamlSpec(input.text, "spec.yaml") : ParseTextProtoSpec(input.text, "spec.yaml");
  if (!spec.ok()) return CheckError(spec.status(), "spec.yaml");
  Override(*spec, input.overrides);
  // Text protobuf can say what is no number, YAML cannot.
  if (is_yaml) CheckYaml(*spec);
  Submit(*std::move(spec));
}

std::string Serialised(const std::string& yaml) { return ParseYamlSpec(yaml, "seed").value().SerializeAsString(); }

constexpr char kStudy[] =
    "name: poster\ndataset: mnist\nbias:\n  fixed: {0: 2000, 2: 2000}\n  varied: {class: 1, counts: [50, 500]}\n"
    "models:\n- dcgan: {}\n- vae\niterations: 5\ntraining: {epochs: 30}\ngeneration: {images: 10000}\n"
    "evaluation: {every_epochs: 5}\nseed: 7\n";
constexpr char kProfile[] =
    "dataset: mnist\nbias:\n  profile:\n    classes: [0, 1, 2]\n    images: 5000\n    exponential: {ratios: [1, 10]}\n"
    "  draw: PER_JOB\nmodels: [dcgan: {width: 16, latent: 10, generator_learning_rate: 1e-4,\n"
    "  discriminator_learning_rate: 0.1, beta1: 0.9, sampling: TRAIN, precision: BF16}, vae: {learning_rate: 0.01}]\n"
    "training: {steps: 100, batch_size: 32, composition: QUOTA, first_batches: {order: MINORITY_FIRST, batches: 9}}\n"
    "stop: {class: 1, half_width: 0.05, min_iterations: 3}\niterations: 20\nlabels: {who: me}\ntime_limit: 1h30m\n";
constexpr char kStep[] =
    "{\"dataset\": \"mnist\", \"bias\": {\"profile\": {\"classes\": [3, 1, 2], \"images\": 100, \"step\": "
    "{\"ratios\": [2.5, 10], \"minorityClasses\": 2}}}, \"models\": [{\"vaeMlp\": {\"width\": 100}}, \"resample\"],\n"
    "\"evaluation\": {\"everySteps\": 10, \"images\": 100, \"rejectBelow\": 0.9, \"measureImages\": true,\n"
    "\"classifier\": {\"epochs\": 2, \"seed\": 3}}, \"maxAttempts\": 1, \"timeLimit\": \"1.5s\"}\n";

}  // namespace

std::vector<std::string> Seeds() {
  std::vector<std::string> seeds;
  for (const std::string yaml : {kStudy, kProfile, kStep}) {
    seeds.push_back(yaml);
    seeds.push_back(Serialised(yaml));
    std::string text;
    google::protobuf::TextFormat::PrintToString(ParseYamlSpec(yaml, "seed").value(), &text);
    seeds.push_back(text);
  }
  seeds.push_back(absl::StrCat(kStudy,
                               "--set bias.total=5000\n--set models[0].dcgan.width=32\n--set models[1]=resample\n"
                               "--set bias.varied.counts=[1, 2]\n--set bias.fixed[3]=7\n--set stop={class: 1}\n"));
  seeds.emplace_back("dataset: mnist\nclassifier: {epochs: 4}\nmodels: &m [&v {vae: {}}, *v]\nlabels: {a: *m}\n");
  return seeds;
}

}  // namespace skew::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static google::protobuf::LogHandler* const before = google::protobuf::SetLogHandler(nullptr);
  (void)before;
  const absl::string_view bytes(reinterpret_cast<const char*>(data), size);
  const skew::fuzz::SpecInput input = skew::fuzz::Split(bytes);
  skew::fuzz::RunText(input, true);
  skew::fuzz::RunText(input, false);
  skew::v1::JobSpec spec;
  if (spec.ParseFromArray(data, static_cast<int>(size))) skew::fuzz::Submit(std::move(spec));
  return 0;
}

// Half of the time by the structure of what the input says, which stays in its form.
extern "C" size_t LLVMFuzzerCustomMutator(uint8_t* data, size_t size, size_t max_size, unsigned seed) {
  skew::fuzz::MessageMutator mutator(seed, {"mnist", "a", "poster", "1"});
  if (mutator.Pick(2) == 0) return LLVMFuzzerMutate(data, size, max_size);
  skew::v1::JobSpec spec;
  if (spec.ParseFromArray(data, static_cast<int>(size))) {
    mutator.Mutate(spec);
    return skew::fuzz::PutInput(spec.SerializeAsString(), data, size, max_size);
  }
  const auto parsed = skew::ParseYamlSpec(std::string(reinterpret_cast<const char*>(data), size), "input");
  if (!parsed.ok()) return LLVMFuzzerMutate(data, size, max_size);
  spec = *parsed;
  mutator.Mutate(spec);
  return skew::fuzz::PutInput(skew::ToYaml(spec), data, size, max_size);
}
