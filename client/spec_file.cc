#include "client/spec_file.h"

#include <google/protobuf/io/tokenizer.h>
#include <google/protobuf/text_format.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "client/field_override.h"
#include "client/render/message_text.h"
#include "client/text.h"
#include "client/yaml_decoder.h"
#include "common/status.h"

namespace skew {
namespace {

absl::Status BadFile(absl::string_view source, absl::string_view problem) {
  return absl::InvalidArgumentError(absl::StrCat(source, ": ", problem));
}

// Reads one byte more than is allowed, to see whether there is more.
absl::StatusOr<std::string> ReadAll(std::istream& input, absl::string_view source) {
  std::string text(kMostSpecBytes + 1, '\0');
  input.read(text.data(), static_cast<std::streamsize>(text.size()));
  if (input.bad()) return BadFile(source, "cannot be read");
  text.resize(static_cast<size_t>(input.gcount()));
  if (text.size() > kMostSpecBytes) return BadFile(source, "is longer than 1 MiB");
  return text;
}

absl::StatusOr<std::string> ReadSpecText(const std::string& path, std::istream& input) {
  if (path == "-") return ReadAll(input, "standard input");
  std::error_code error;
  if (std::filesystem::is_directory(path, error)) return BadFile(path, "is a folder");
  std::ifstream file(path, std::ios::binary);
  if (!file) return BadFile(path, absl::StrCat("cannot be opened: ", std::strerror(errno)));
  return ReadAll(file, path);
}

bool IsTextProto(absl::string_view path) {
  return absl::EndsWith(path, ".textproto") || absl::EndsWith(path, ".txtpb") || absl::EndsWith(path, ".pbtxt");
}

// Gathers the parser's errors, which count lines and columns from 0.
class Errors final : public google::protobuf::io::ErrorCollector {
 public:
  explicit Errors(absl::string_view source) : source_(source) {}

  void AddError(int line, int column, const std::string& message) override {
    lines_.push_back(absl::StrCat(source_, ":", line + 1, ":", column + 1, ": ", message));
  }

  absl::Status status() const { return absl::InvalidArgumentError(absl::StrJoin(lines_, "\n")); }

 private:
  const std::string source_;
  std::vector<std::string> lines_;
};

// Whether the message holds a text that servers cannot read: escapes can write any byte.
bool HasBrokenText(const google::protobuf::Message& message) {
  using google::protobuf::FieldDescriptor;
  const google::protobuf::Reflection& reflection = *message.GetReflection();
  std::vector<const FieldDescriptor*> fields;
  reflection.ListFields(message, &fields);
  bool broken = false;
  for (const FieldDescriptor* field : fields) {
    const int count = field->is_repeated() ? reflection.FieldSize(message, field) : 1;
    for (int i = 0; i < count && !broken; ++i) {
      if (field->cpp_type() == FieldDescriptor::CPPTYPE_STRING) {
        broken = !IsUtf8(ValueText(message, *field, i));
      } else if (field->cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE) {
        broken = HasBrokenText(field->is_repeated() ? reflection.GetRepeatedMessage(message, field, i)
                                                    : reflection.GetMessage(message, field));
      }
    }
  }
  return broken;
}

}  // namespace

absl::StatusOr<v1::JobSpec> ParseYamlSpec(const std::string& text, absl::string_view source) {
  SKEW_ASSIGN_OR_RETURN(const YAML::Node root, ParseYaml(text, source));
  if (root.IsNull()) return BadFile(source, "is empty");
  YamlDecoder decoder{std::string(source)};
  v1::JobSpec spec;
  decoder.DecodeMessage(root, "", spec);
  SKEW_RETURN_IF_ERROR(decoder.status());
  return spec;
}

absl::StatusOr<v1::JobSpec> ParseTextProtoSpec(const std::string& text, absl::string_view source) {
  Errors errors(source);
  google::protobuf::TextFormat::Parser parser;
  parser.RecordErrorsTo(&errors);
  v1::JobSpec spec;
  if (!parser.ParseFromString(text, &spec)) return errors.status();
  if (HasBrokenText(spec)) return BadFile(source, "a text in it is not UTF-8");
  return spec;
}

absl::StatusOr<v1::JobSpec> ReadSpec(const std::string& path, const std::vector<std::string>& overrides,
                                     std::istream& input) {
  SKEW_ASSIGN_OR_RETURN(const std::string text, ReadSpecText(path, input));
  const std::string source = path == "-" ? "standard input" : path;
  SKEW_ASSIGN_OR_RETURN(v1::JobSpec spec,
                        IsTextProto(path) ? ParseTextProtoSpec(text, source) : ParseYamlSpec(text, source));
  for (const std::string& assignment : overrides) SKEW_RETURN_IF_ERROR(ApplyOverride(assignment, spec));
  return spec;
}

}  // namespace skew
