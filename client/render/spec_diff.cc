#include "client/render/spec_diff.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "client/render/message_text.h"
#include "client/scalar.h"

namespace skew {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;

struct Field {
  std::string path;
  std::string value;
};

// Lays a message out as a list of paths and values.
class Flattener {
 public:
  std::vector<Field> Flatten(const Message& message) {
    AddMessage("", message);
    return std::move(fields_);
  }

 private:
  void AddMessage(const std::string& path, const Message& message) {
    std::vector<const FieldDescriptor*> set;
    message.GetReflection()->ListFields(message, &set);
    if (set.empty() && !path.empty()) fields_.push_back({path, "{}"});
    for (const FieldDescriptor* field : set) {
      AddField(absl::StrCat(path, path.empty() ? "" : ".", field->name()), message, *field);
    }
  }

  void AddField(const std::string& path, const Message& message, const FieldDescriptor& field) {
    if (field.is_map()) return AddMap(path, message, field);
    if (field.is_repeated()) return AddList(path, message, field);
    if (IsScalar(field)) {
      fields_.push_back({path, ValueText(message, field)});
    } else {
      AddMessage(path, message.GetReflection()->GetMessage(message, &field));
    }
  }

  void AddMap(const std::string& path, const Message& message, const FieldDescriptor& field) {
    const FieldDescriptor& key = *field.message_type()->map_key();
    for (const Message* entry : SortedEntries(message, field)) {
      AddField(absl::StrCat(path, "[", ValueText(*entry, key), "]"), *entry, *field.message_type()->map_value());
    }
  }

  void AddList(const std::string& path, const Message& message, const FieldDescriptor& field) {
    const google::protobuf::Reflection& reflection = *message.GetReflection();
    const int size = reflection.FieldSize(message, &field);
    if (!IsScalar(field)) {
      for (int i = 0; i < size; ++i) {
        AddMessage(absl::StrCat(path, "[", i, "]"), reflection.GetRepeatedMessage(message, &field, i));
      }
      return;
    }
    std::vector<std::string> values;
    values.reserve(static_cast<size_t>(size));
    for (int i = 0; i < size; ++i) values.push_back(ValueText(message, field, i));
    fields_.push_back({path, absl::StrCat("[", absl::StrJoin(values, ", "), "]")});
  }

  std::vector<Field> fields_;
};

// Merges two lists that name their common paths in the same order.
class Merge {
 public:
  Merge(std::vector<Field> left, std::vector<Field> right) : left_(std::move(left)), right_(std::move(right)) {}

  std::vector<FieldDifference> Run() {
    while (i_ < left_.size() || j_ < right_.size()) Step();
    return std::move(differences_);
  }

 private:
  void Step() {
    if (i_ < left_.size() && j_ < right_.size() && left_[i_].path == right_[j_].path) {
      if (left_[i_].value != right_[j_].value) {
        differences_.push_back({left_[i_].path, left_[i_].value, right_[j_].value});
      }
      ++i_;
      ++j_;
    } else if (i_ < left_.size() && !Has(right_, j_, left_[i_].path)) {
      differences_.push_back({left_[i_].path, left_[i_].value, std::nullopt});
      ++i_;
    } else {
      differences_.push_back({right_[j_].path, std::nullopt, right_[j_].value});
      ++j_;
    }
  }

  static bool Has(const std::vector<Field>& fields, size_t from, const std::string& path) {
    for (size_t i = from; i < fields.size(); ++i) {
      if (fields[i].path == path) return true;
    }
    return false;
  }

  const std::vector<Field> left_;
  const std::vector<Field> right_;
  size_t i_ = 0;
  size_t j_ = 0;
  std::vector<FieldDifference> differences_;
};

Cell SideCell(const std::optional<std::string>& value) { return {value.value_or("-"), value.value_or("")}; }

}  // namespace

std::vector<FieldDifference> Differences(const Message& left, const Message& right) {
  return Merge(Flattener().Flatten(left), Flattener().Flatten(right)).Run();
}

Table DifferenceTable(absl::Span<const FieldDifference> differences) {
  Table table({{"field", "path"}, {"left", "left"}, {"right", "right"}});
  for (const FieldDifference& one : differences) {
    table.AddRow({one.path, SideCell(one.left), SideCell(one.right)});
  }
  return table;
}

}  // namespace skew
