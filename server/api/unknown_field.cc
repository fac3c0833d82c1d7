#include "server/api/unknown_field.h"

#include <google/protobuf/unknown_field_set.h>

#include <vector>

#include "absl/strings/str_cat.h"

namespace skew {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;

std::string Find(const Message& message, const std::string& path) {
  const google::protobuf::Reflection& reflection = *message.GetReflection();
  const google::protobuf::UnknownFieldSet& unknown = reflection.GetUnknownFields(message);
  if (!unknown.empty()) return absl::StrCat(path, path.empty() ? "" : ": ", "field ", unknown.field(0).number());
  std::vector<const FieldDescriptor*> fields;
  reflection.ListFields(message, &fields);
  for (const FieldDescriptor* field : fields) {
    if (field->cpp_type() != FieldDescriptor::CPPTYPE_MESSAGE) continue;
    const std::string inner = absl::StrCat(path, path.empty() ? "" : ".", field->name());
    const int count = field->is_repeated() ? reflection.FieldSize(message, field) : 1;
    for (int i = 0; i < count; ++i) {
      std::string found = field->is_repeated()
                              ? Find(reflection.GetRepeatedMessage(message, field, i), absl::StrCat(inner, "[", i, "]"))
                              : Find(reflection.GetMessage(message, field), inner);
      if (!found.empty()) return found;
    }
  }
  return "";
}

}  // namespace

std::string FindUnknownField(const Message& message) { return Find(message, ""); }

}  // namespace skew
