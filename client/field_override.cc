#include "client/field_override.h"

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "client/scalar.h"
#include "client/yaml_decoder.h"
#include "common/status.h"

namespace skew {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::Reflection;

// One part of a path: a name, or what stands in brackets.
struct Step {
  std::string text;
  bool bracketed = false;
};

absl::Status BadPath(absl::string_view path) {
  return absl::InvalidArgumentError(absl::StrCat(Quoted(path), " is not a path like models[0].dcgan.width"));
}

absl::StatusOr<std::vector<Step>> SplitPath(absl::string_view path) {
  std::vector<Step> steps;
  absl::string_view rest = path;
  while (!rest.empty()) {
    const bool bracketed = rest[0] == '[';
    if (!steps.empty() && !bracketed && rest[0] != '.') return BadPath(path);
    if (bracketed || !steps.empty()) rest.remove_prefix(1);
    const size_t end = bracketed ? rest.find(']') : rest.find_first_of(".[");
    if (bracketed && end == absl::string_view::npos) return BadPath(path);
    steps.push_back({std::string(rest.substr(0, end)), bracketed});
    if (steps.back().text.empty()) return BadPath(path);
    rest.remove_prefix(end == absl::string_view::npos ? rest.size() : end + (bracketed ? 1 : 0));
  }
  if (steps.empty() || steps[0].bracketed) return BadPath(path);
  return steps;
}

// Walks down one path and sets its end.
class Override {
 public:
  Override(std::vector<Step> steps, YAML::Node value) : steps_(std::move(steps)), value_(std::move(value)) {}

  absl::Status Apply(Message& message) {
    const Step& step = steps_[next_];
    const FieldDescriptor* field = step.bracketed ? nullptr : FindField(*message.GetDescriptor(), step.text);
    const std::string parent = std::exchange(path_, path_.empty() ? step.text : absl::StrCat(path_, ".", step.text));
    if (field == nullptr) return Problem(UnknownField(*message.GetDescriptor(), step.text));
    ++next_;
    const FieldDescriptor* rival = RivalOf(*field, message);
    if (rival != nullptr) return Problem(absl::StrCat("not possible, ", parent, " is ", rival->name()));
    if (next_ == steps_.size()) return Replace(*field, message);
    if (field->is_map()) return ApplyToEntry(*field, message);
    if (field->is_repeated()) return ApplyToElement(*field, message);
    if (IsScalar(*field)) return Problem(absl::StrCat("takes ", NeededBy(*field), " and has no fields"));
    return Apply(*message.GetReflection()->MutableMessage(&message, field));
  }

 private:
  absl::Status Problem(absl::string_view problem) const {
    return absl::InvalidArgumentError(absl::StrCat(path_, ": ", problem));
  }

  absl::Status Replace(const FieldDescriptor& field, Message& message) {
    message.GetReflection()->ClearField(&message, &field);
    const bool is_message = !field.is_repeated() && !IsScalar(field);
    if (value_.IsNull() && !is_message) return absl::OkStatus();
    YamlDecoder decoder("");
    decoder.DecodeField(value_, path_, field, message);
    return decoder.status();
  }

  // The value of one key; an older entry with that key gives way, as maps do when messages are merged.
  absl::Status ApplyToEntry(const FieldDescriptor& field, Message& message) {
    path_ = absl::StrCat(path_, "[", steps_[next_].text, "]");
    if (next_ + 1 != steps_.size()) return Problem("is a single value and has no fields");
    YAML::Node map;
    map[steps_[next_].text] = value_;
    const std::unique_ptr<Message> single(message.New());
    YamlDecoder decoder("");
    decoder.DecodeField(map, path_.substr(0, path_.rfind('[')), field, *single);
    SKEW_RETURN_IF_ERROR(decoder.status());
    message.MergeFrom(*single);
    return absl::OkStatus();
  }

  absl::Status ApplyToElement(const FieldDescriptor& field, Message& message) {
    const Reflection& reflection = *message.GetReflection();
    const int size = reflection.FieldSize(message, &field);
    const Step& step = steps_[next_++];
    int index = 0;
    if (!step.bracketed || !absl::SimpleAtoi(step.text, &index)) {
      return Problem(absl::StrCat("is a list: ", path_, "[0] names its first element"));
    }
    if (index < 0 || index >= size) return Problem(absl::StrCat("has ", size, " elements, none is [", index, "]"));
    absl::StrAppend(&path_, "[", index, "]");
    if (next_ == steps_.size()) return ReplaceElement(field, index, message);
    if (IsScalar(field)) return Problem("is a single value and has no fields");
    return Apply(*reflection.MutableRepeatedMessage(&message, &field, index));
  }

  absl::Status ReplaceElement(const FieldDescriptor& field, int index, Message& message) {
    const Reflection& reflection = *message.GetReflection();
    const int size = reflection.FieldSize(message, &field);
    YamlDecoder decoder("");
    decoder.DecodeOne(value_, path_, field, message);  // at the end, for now
    SKEW_RETURN_IF_ERROR(decoder.status());
    reflection.SwapElements(&message, &field, index, size);
    reflection.RemoveLast(&message, &field);
    return absl::OkStatus();
  }

  const std::vector<Step> steps_;
  const YAML::Node value_;
  size_t next_ = 0;
  std::string path_;
};

absl::Status Apply(absl::string_view assignment, Message& message) {
  const size_t equals = assignment.find('=');
  if (equals == absl::string_view::npos) {
    return absl::InvalidArgumentError("PATH=VALUE is needed, e.g. training.epochs=3");
  }
  SKEW_ASSIGN_OR_RETURN(std::vector<Step> steps, SplitPath(assignment.substr(0, equals)));
  const std::string text(assignment.substr(equals + 1));
  YAML::Node value;
  if (text.find_first_not_of(' ') != std::string::npos) {
    SKEW_ASSIGN_OR_RETURN(value, ParseYaml(text, "value"));
  }
  return Override(std::move(steps), std::move(value)).Apply(message);
}

}  // namespace

absl::Status ApplyOverride(absl::string_view assignment, Message& message) {
  const absl::Status status = Apply(assignment, message);
  if (status.ok()) return status;
  return absl::InvalidArgumentError(absl::StrCat("--set ", assignment, ": ", status.message()));
}

}  // namespace skew
