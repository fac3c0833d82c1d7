#include "client/render/message_text.h"

#include <google/protobuf/util/json_util.h>
#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "client/render/format.h"
#include "client/scalar.h"
#include "common/proto_time.h"

namespace skew {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::Reflection;

// Writes one message tree.
class YamlWriter {
 public:
  std::string Write(const Message& message) {
    WriteMessage(message);
    return absl::StrCat(out_.c_str(), "\n");
  }

 private:
  void WriteMessage(const Message& message) {
    std::vector<const FieldDescriptor*> fields;
    message.GetReflection()->ListFields(message, &fields);
    if (fields.empty()) out_ << YAML::Flow;
    out_ << YAML::BeginMap;
    for (const FieldDescriptor* field : fields) {
      out_ << YAML::Key << field->name() << YAML::Value;
      WriteField(message, *field);
    }
    out_ << YAML::EndMap;
  }

  void WriteField(const Message& message, const FieldDescriptor& field) {
    if (field.is_map()) return WriteMap(message, field);
    if (!field.is_repeated()) return WriteOne(message, field, 0);
    if (IsScalar(field)) out_ << YAML::Flow;
    out_ << YAML::BeginSeq;
    const int size = message.GetReflection()->FieldSize(message, &field);
    for (int i = 0; i < size; ++i) WriteOne(message, field, i);
    out_ << YAML::EndSeq;
  }

  void WriteMap(const Message& message, const FieldDescriptor& field) {
    out_ << YAML::Flow << YAML::BeginMap;
    for (const Message* entry : SortedEntries(message, field)) {
      out_ << YAML::Key;
      WriteOne(*entry, *field.message_type()->map_key(), 0);
      out_ << YAML::Value;
      WriteOne(*entry, *field.message_type()->map_value(), 0);
    }
    out_ << YAML::EndMap;
  }

  void WriteOne(const Message& message, const FieldDescriptor& field, int index) {
    if (!IsScalar(field)) {
      const Reflection& reflection = *message.GetReflection();
      return WriteMessage(field.is_repeated() ? reflection.GetRepeatedMessage(message, &field, index)
                                              : reflection.GetMessage(message, &field));
    }
    out_ << ValueText(message, field, index);
  }

  YAML::Emitter out_;
};

}  // namespace

std::vector<const Message*> SortedEntries(const Message& message, const FieldDescriptor& map) {
  const Reflection& reflection = *message.GetReflection();
  const FieldDescriptor& key = *map.message_type()->map_key();
  std::vector<const Message*> entries;
  entries.reserve(static_cast<size_t>(reflection.FieldSize(message, &map)));
  for (int i = 0; i < reflection.FieldSize(message, &map); ++i) {
    entries.push_back(&reflection.GetRepeatedMessage(message, &map, i));
  }
  std::sort(entries.begin(), entries.end(), [&](const Message* a, const Message* b) {
    const std::string first = ValueText(*a, key, 0);
    const std::string second = ValueText(*b, key, 0);
    if (key.cpp_type() == FieldDescriptor::CPPTYPE_STRING) return first < second;
    return std::stoll(first) < std::stoll(second);
  });
  return entries;
}

std::string ValueText(const Message& message, const FieldDescriptor& field, int index) {
  const Reflection& r = *message.GetReflection();
  const bool many = field.is_repeated();
  switch (field.cpp_type()) {
    case FieldDescriptor::CPPTYPE_INT32:
      return absl::StrCat(many ? r.GetRepeatedInt32(message, &field, index) : r.GetInt32(message, &field));
    case FieldDescriptor::CPPTYPE_INT64:
      return absl::StrCat(many ? r.GetRepeatedInt64(message, &field, index) : r.GetInt64(message, &field));
    case FieldDescriptor::CPPTYPE_UINT32:
      return absl::StrCat(many ? r.GetRepeatedUInt32(message, &field, index) : r.GetUInt32(message, &field));
    case FieldDescriptor::CPPTYPE_UINT64:
      return absl::StrCat(many ? r.GetRepeatedUInt64(message, &field, index) : r.GetUInt64(message, &field));
    case FieldDescriptor::CPPTYPE_DOUBLE:
      return Exact(many ? r.GetRepeatedDouble(message, &field, index) : r.GetDouble(message, &field));
    case FieldDescriptor::CPPTYPE_FLOAT:
      return Exact(
          static_cast<double>(many ? r.GetRepeatedFloat(message, &field, index) : r.GetFloat(message, &field)));
    case FieldDescriptor::CPPTYPE_BOOL:
      return (many ? r.GetRepeatedBool(message, &field, index) : r.GetBool(message, &field)) ? "true" : "false";
    case FieldDescriptor::CPPTYPE_ENUM:
      return (many ? r.GetRepeatedEnum(message, &field, index) : r.GetEnum(message, &field))->name();
    case FieldDescriptor::CPPTYPE_STRING:
      return many ? r.GetRepeatedString(message, &field, index) : r.GetString(message, &field);
    case FieldDescriptor::CPPTYPE_MESSAGE:
      break;
  }
  google::protobuf::Duration duration;
  duration.CopyFrom(many ? r.GetRepeatedMessage(message, &field, index) : r.GetMessage(message, &field));
  return absl::FormatDuration(FromProto(duration));
}

std::string ToJson(const Message& message) {
  google::protobuf::util::JsonPrintOptions options;
  options.always_print_primitive_fields = true;
  std::string json;
  // Fails only for Any and other types that Skew's messages do not hold.
  (void)google::protobuf::util::MessageToJsonString(message, &json, options);
  return json;
}

std::string ToYaml(const Message& message) { return YamlWriter().Write(message); }

}  // namespace skew
