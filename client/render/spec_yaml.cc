#include "client/render/spec_yaml.h"

#include <google/protobuf/descriptor.h>
#include <google/protobuf/util/json_util.h>
#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"

namespace skew {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;

// Protocol Buffers' own JSON is YAML already; what is done here is layout.
void EmitMessage(const YAML::Node& node, const Descriptor& type, YAML::Emitter& out);

bool IsText(const FieldDescriptor& field) { return field.cpp_type() == FieldDescriptor::CPPTYPE_STRING; }

void EmitScalar(const YAML::Node& node, const FieldDescriptor& field, YAML::Emitter& out) {
  const std::string& text = node.Scalar();
  // Text that another reader of YAML could take for a number stands in quotes.
  if (IsText(field) && (text.empty() || !absl::ascii_isalpha(static_cast<unsigned char>(text[0])))) {
    out << YAML::DoubleQuoted;
  }
  out << text;
}

void EmitOne(const YAML::Node& node, const FieldDescriptor& field, YAML::Emitter& out) {
  // Well-known types like Duration are text in JSON.
  if (node.IsScalar()) return EmitScalar(node, field, out);
  EmitMessage(node, *field.message_type(), out);
}

bool KeyBefore(const std::pair<YAML::Node, YAML::Node>& a, const std::pair<YAML::Node, YAML::Node>& b) {
  int64_t left = 0;
  int64_t right = 0;
  if (absl::SimpleAtoi(a.first.Scalar(), &left) && absl::SimpleAtoi(b.first.Scalar(), &right)) return left < right;
  return a.first.Scalar() < b.first.Scalar();
}

void EmitMap(const YAML::Node& node, const FieldDescriptor& field, YAML::Emitter& out) {
  std::vector<std::pair<YAML::Node, YAML::Node>> entries;
  for (const auto& entry : node) entries.emplace_back(entry.first, entry.second);
  std::sort(entries.begin(), entries.end(), KeyBefore);
  out << YAML::Flow << YAML::BeginMap;
  for (const auto& [key, value] : entries) {
    out << YAML::Key;
    EmitScalar(key, *field.message_type()->map_key(), out);
    out << YAML::Value;
    EmitOne(value, *field.message_type()->map_value(), out);
  }
  out << YAML::EndMap;
}

void EmitList(const YAML::Node& node, const FieldDescriptor& field, YAML::Emitter& out) {
  if (field.cpp_type() != FieldDescriptor::CPPTYPE_MESSAGE) out << YAML::Flow;
  out << YAML::BeginSeq;
  for (const YAML::Node& element : node) EmitOne(element, field, out);
  out << YAML::EndSeq;
}

void EmitMessage(const YAML::Node& node, const Descriptor& type, YAML::Emitter& out) {
  out << YAML::BeginMap;
  for (const auto& entry : node) {
    const FieldDescriptor& field = *type.FindFieldByName(entry.first.Scalar());
    out << YAML::Key << field.name() << YAML::Value;
    if (field.is_map()) {
      EmitMap(entry.second, field, out);
    } else if (field.is_repeated()) {
      EmitList(entry.second, field, out);
    } else {
      EmitOne(entry.second, field, out);
    }
  }
  out << YAML::EndMap;
}

}  // namespace

std::string ToYaml(const google::protobuf::Message& message) {
  google::protobuf::util::JsonPrintOptions options;
  options.preserve_proto_field_names = true;
  std::string json;
  google::protobuf::util::MessageToJsonString(message, &json, options).IgnoreError();
  YAML::Emitter out;
  EmitMessage(YAML::Load(json), *message.GetDescriptor(), out);
  return std::string(out.c_str()) + "\n";
}

}  // namespace skew
