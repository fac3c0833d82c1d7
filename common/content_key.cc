#include "common/content_key.h"

#include <google/protobuf/text_format.h>

#include <algorithm>
#include <array>
#include <map>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/digest.h"
#include "common/version.h"

namespace skew {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::Reflection;

// Fields of JobSpec that do not enter as they are, and why.
constexpr std::array<absl::string_view, 14> kNotContent = {
    "name",                   // for people
    "dataset",                // its digest enters
    "bias.fixed",             // the run's bias point enters, but not how the job came to it
    "bias.varied",            // likewise
    "bias.total",             // likewise
    "bias.profile",           // likewise
    "models",                 // the run's model enters
    "iterations",             // the run's iteration enters
    "labels",                 // for people
    "stop",                   // how many iterations there are
    "time_limit",             // a run that succeeded was within it
    "max_attempts",           // a run that goes on from a checkpoint comes out as one that was never interrupted
    "classifier",             // only of jobs that train one
    "evaluation.classifier",  // the judge's digest is compared beside the key
};

// Fields that jobs of before did not have, and the value (of an enum, or false) that stands for what those did: left
// out, so that it keys as they do.
struct AsBefore {
  absl::string_view path;
  int value;
};
constexpr std::array kAsBefore = {
    AsBefore{"bias.draw", v1::PER_ITERATION},
    AsBefore{"evaluation.measure_images", 0},
    AsBefore{"training.composition", v1::SHUFFLED},
};

int ChoiceOf(const Message& message, const FieldDescriptor& field) {
  const Reflection& reflection = *message.GetReflection();
  return field.cpp_type() == FieldDescriptor::CPPTYPE_BOOL ? static_cast<int>(reflection.GetBool(message, &field))
                                                           : reflection.GetEnumValue(message, &field);
}

bool IsAsBefore(const Message& message, const FieldDescriptor& field, absl::string_view path) {
  return std::any_of(kAsBefore.begin(), kAsBefore.end(),
                     [&](const AsBefore& one) { return one.path == path && ChoiceOf(message, field) == one.value; });
}

bool IsContent(absl::string_view path) {
  return std::find(kNotContent.begin(), kNotContent.end(), path) == kNotContent.end();
}

std::string ValueText(const Message& message, const FieldDescriptor& field, int index) {
  std::string text;
  google::protobuf::TextFormat::PrintFieldValueToString(message, &field, index, &text);
  return text;
}

void AppendFields(const Message& message, const std::string& prefix, std::string& text);

void AppendValue(const Message& message, const FieldDescriptor& field, int index, const std::string& path,
                 std::string& text) {
  if (field.cpp_type() != FieldDescriptor::CPPTYPE_MESSAGE) {
    absl::StrAppend(&text, path, "=", ValueText(message, field, index), "\n");
    return;
  }
  const Reflection& reflection = *message.GetReflection();
  absl::StrAppend(&text, path, "\n");
  AppendFields(
      index < 0 ? reflection.GetMessage(message, &field) : reflection.GetRepeatedMessage(message, &field, index),
      absl::StrCat(path, "."), text);
}

void AppendMap(const Message& message, const FieldDescriptor& field, const std::string& path, std::string& text) {
  const FieldDescriptor& key = *field.message_type()->map_key();
  const FieldDescriptor& value = *field.message_type()->map_value();
  std::map<std::string, const Message*> entries;
  for (int i = 0; i < message.GetReflection()->FieldSize(message, &field); ++i) {
    const Message& entry = message.GetReflection()->GetRepeatedMessage(message, &field, i);
    entries.emplace(ValueText(entry, key, -1), &entry);
  }
  for (const auto& [name, entry] : entries) AppendValue(*entry, value, -1, absl::StrCat(path, "[", name, "]"), text);
}

void AppendField(const Message& message, const FieldDescriptor& field, const std::string& path, std::string& text) {
  if (!IsContent(path) || IsAsBefore(message, field, path)) return;
  if (field.is_map()) {
    AppendMap(message, field, path, text);
  } else if (field.is_repeated()) {
    for (int i = 0; i < message.GetReflection()->FieldSize(message, &field); ++i) {
      AppendValue(message, field, i, absl::StrCat(path, "[", i, "]"), text);
    }
  } else {
    AppendValue(message, field, -1, path, text);
  }
}

// Those that are set, by number.
void AppendFields(const Message& message, const std::string& prefix, std::string& text) {
  std::vector<const FieldDescriptor*> fields;
  message.GetReflection()->ListFields(message, &fields);
  for (const FieldDescriptor* field : fields) AppendField(message, *field, absl::StrCat(prefix, field->name()), text);
}

// The family's settings and their field `precision`; nulls where there is none.
std::pair<Message*, const FieldDescriptor*> PrecisionField(v1::ModelSpec& model) {
  const Reflection& reflection = *v1::ModelSpec::GetReflection();
  const FieldDescriptor* family =
      reflection.GetOneofFieldDescriptor(model, v1::ModelSpec::descriptor()->FindOneofByName("family"));
  if (family == nullptr) return {nullptr, nullptr};
  Message* settings = reflection.MutableMessage(&model, family);
  return {settings, family->message_type()->FindFieldByName("precision")};
}

// Raised where only runs with some settings have come to come out different: those of first batches, since whole
// trainings are reordered that are shorter.
std::string EngineOf(const v1::JobSpec& spec) {
  return absl::StrCat(kEngineVersion, spec.training().has_first_batches() ? " first_batches=2" : "");
}

}  // namespace

ContentKeys::ContentKeys(const v1::JobSpec& spec, absl::string_view dataset_digest, v1::Precision auto_precision)
    : head_(absl::StrCat("engine=", EngineOf(spec), "\ndataset=", dataset_digest, "\nrun_seed=")) {
  for (v1::ModelSpec model : spec.models()) {
    Model& one = models_.emplace_back();
    if (const auto [settings, field] = PrecisionField(model); field != nullptr) {
      const Reflection& reflection = *settings->GetReflection();
      const auto asked = static_cast<v1::Precision>(reflection.GetEnumValue(*settings, field));
      one.precision = asked == v1::FP32 || asked == v1::BF16 ? asked : auto_precision;
      reflection.SetEnumValue(settings, field, one.precision);
    }
    AppendFields(model, "model.", one.text);
  }
  AppendFields(spec, "", tail_);
}

std::string ContentKeys::TextOf(const v1::Run& run) const {
  std::string text = absl::StrCat(head_, run.seed(), "\niteration=", run.iteration(), "\n");
  AppendFields(run.bias_point(), "bias_point.", text);
  absl::StrAppend(&text, ModelOf(run).text, tail_);
  return text;
}

std::string ContentKeys::KeyOf(const v1::Run& run) const { return Sha256Hex(TextOf(run)); }

v1::Precision ContentKeys::ExpectedPrecisionOf(const v1::Run& run) const { return ModelOf(run).precision; }

}  // namespace skew
