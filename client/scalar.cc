#include "client/scalar.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/time/time.h"
#include "client/text.h"
#include "common/nearest.h"
#include "common/proto_time.h"

namespace skew {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;

// A field to set, or to add to, whatever its type.
class Slot {
 public:
  Slot(const FieldDescriptor& field, Message& message) : field_(&field), message_(&message) {}

  void Put(int32_t value) { Put(value, &Reflection::SetInt32, &Reflection::AddInt32); }
  void Put(int64_t value) { Put(value, &Reflection::SetInt64, &Reflection::AddInt64); }
  void Put(uint32_t value) { Put(value, &Reflection::SetUInt32, &Reflection::AddUInt32); }
  void Put(uint64_t value) { Put(value, &Reflection::SetUInt64, &Reflection::AddUInt64); }
  void Put(double value) { Put(value, &Reflection::SetDouble, &Reflection::AddDouble); }
  void Put(float value) { Put(value, &Reflection::SetFloat, &Reflection::AddFloat); }
  void Put(bool value) { Put(value, &Reflection::SetBool, &Reflection::AddBool); }
  void PutText(const std::string& value) { Put(value, &Reflection::SetString, &Reflection::AddString); }
  void PutEnum(int value) { Put(value, &Reflection::SetEnumValue, &Reflection::AddEnumValue); }
  Message& PutMessage() {
    const Reflection& reflection = *message_->GetReflection();
    return field_->is_repeated() ? *reflection.AddMessage(message_, field_)
                                 : *reflection.MutableMessage(message_, field_);
  }

 private:
  using Reflection = google::protobuf::Reflection;

  template <typename T, typename Function>
  void Put(const T& value, Function set, Function add) {
    (message_->GetReflection()->*(field_->is_repeated() ? add : set))(message_, field_, value);
  }

  const FieldDescriptor* field_;
  Message* message_;
};

absl::Status Refused(absl::string_view text, absl::string_view problem) {
  return absl::InvalidArgumentError(absl::StrCat(Quoted(text), " ", problem));
}

bool IsWhole(absl::string_view text) {
  if (absl::StartsWith(text, "-") || absl::StartsWith(text, "+")) text.remove_prefix(1);
  return !text.empty() && std::all_of(text.begin(), text.end(), absl::ascii_isdigit);
}

template <typename Integer>
absl::Status PutInteger(absl::string_view text, Slot slot) {
  if (!IsWhole(text)) return Refused(text, "is not a whole number");
  Integer value = 0;
  if (!absl::SimpleAtoi(text, &value)) {
    return Refused(text, absl::StrCat("does not fit: a whole number from ", std::numeric_limits<Integer>::min(), " to ",
                                      std::numeric_limits<Integer>::max(), " is needed"));
  }
  slot.Put(value);
  return absl::OkStatus();
}

template <typename Real>
absl::Status PutReal(absl::string_view text, Slot slot) {
  double value = 0;
  if (!absl::SimpleAtod(text, &value)) return Refused(text, "is not a number");
  if (!std::isfinite(static_cast<Real>(value))) return Refused(text, "is not a finite number");
  slot.Put(static_cast<Real>(value));
  return absl::OkStatus();
}

absl::Status PutBool(absl::string_view text, Slot slot) {
  const std::string word = absl::AsciiStrToLower(text);
  if (word != "true" && word != "false") return Refused(text, "is neither true nor false");
  slot.Put(word == "true");
  return absl::OkStatus();
}

// The names a user may write: all but the one that stands for "not given".
std::vector<std::string> EnumNames(const google::protobuf::EnumDescriptor& type) {
  std::vector<std::string> names;
  for (int i = 0; i < type.value_count(); ++i) {
    if (type.value(i)->number() != 0) names.push_back(type.value(i)->name());
  }
  return names;
}

absl::Status PutEnum(absl::string_view text, const FieldDescriptor& field, Slot slot) {
  const google::protobuf::EnumValueDescriptor* value = field.enum_type()->FindValueByName(absl::AsciiStrToUpper(text));
  if (value != nullptr && value->number() != 0) {
    slot.PutEnum(value->number());
    return absl::OkStatus();
  }
  const std::vector<std::string> names = EnumNames(*field.enum_type());
  const std::string nearest = Nearest(text, names);
  return Refused(text, absl::StrCat("is not one of ", absl::StrJoin(names, ", "),
                                    nearest.empty() ? "" : absl::StrCat(" (did you mean ", nearest, "?)")));
}

absl::Status PutDuration(absl::string_view text, Slot slot) {
  absl::Duration duration;
  if (!absl::ParseDuration(text, &duration)) return Refused(text, "is not a duration like 90s or 1h30m");
  // What google.protobuf.Duration can hold.
  if (absl::AbsDuration(duration) > absl::Seconds(int64_t{315'576'000'000})) {
    return Refused(text, "is longer than 10000 years");
  }
  slot.PutMessage().CopyFrom(ToProto(duration));
  return absl::OkStatus();
}

bool IsDuration(const FieldDescriptor& field) {
  return field.message_type() != nullptr && field.message_type()->full_name() == "google.protobuf.Duration";
}

}  // namespace

bool IsScalar(const FieldDescriptor& field) {
  return field.cpp_type() != FieldDescriptor::CPPTYPE_MESSAGE || IsDuration(field);
}

absl::Status SetScalar(absl::string_view text, const FieldDescriptor& field, Message& message) {
  Slot slot(field, message);
  switch (field.cpp_type()) {
    case FieldDescriptor::CPPTYPE_INT32:
      return PutInteger<int32_t>(text, slot);
    case FieldDescriptor::CPPTYPE_INT64:
      return PutInteger<int64_t>(text, slot);
    case FieldDescriptor::CPPTYPE_UINT32:
      return PutInteger<uint32_t>(text, slot);
    case FieldDescriptor::CPPTYPE_UINT64:
      return PutInteger<uint64_t>(text, slot);
    case FieldDescriptor::CPPTYPE_DOUBLE:
      return PutReal<double>(text, slot);
    case FieldDescriptor::CPPTYPE_FLOAT:
      return PutReal<float>(text, slot);
    case FieldDescriptor::CPPTYPE_BOOL:
      return PutBool(text, slot);
    case FieldDescriptor::CPPTYPE_ENUM:
      return PutEnum(text, field, slot);
    case FieldDescriptor::CPPTYPE_STRING:
      if (!IsUtf8(text)) return Refused(text, "is not UTF-8");  // which servers cannot read
      slot.PutText(std::string(text));
      return absl::OkStatus();
    case FieldDescriptor::CPPTYPE_MESSAGE:
      break;
  }
  if (IsDuration(field)) return PutDuration(text, slot);
  return Refused(text, absl::StrCat("is not ", NeededBy(field)));
}

std::string NeededBy(const FieldDescriptor& field) {
  switch (field.cpp_type()) {
    case FieldDescriptor::CPPTYPE_INT32:
    case FieldDescriptor::CPPTYPE_INT64:
    case FieldDescriptor::CPPTYPE_UINT32:
    case FieldDescriptor::CPPTYPE_UINT64:
      return "a whole number";
    case FieldDescriptor::CPPTYPE_DOUBLE:
    case FieldDescriptor::CPPTYPE_FLOAT:
      return "a number";
    case FieldDescriptor::CPPTYPE_BOOL:
      return "true or false";
    case FieldDescriptor::CPPTYPE_ENUM:
      return absl::StrCat("one of ", absl::StrJoin(EnumNames(*field.enum_type()), ", "));
    case FieldDescriptor::CPPTYPE_STRING:
      return "text";
    case FieldDescriptor::CPPTYPE_MESSAGE:
      break;
  }
  return IsDuration(field) ? "a duration like 90s or 1h30m" : "a map of settings";
}

std::string Quoted(absl::string_view text) {
  constexpr size_t kMost = 60;
  const std::string shown = Printable(text.substr(0, kMost));
  return absl::StrCat("'", shown, text.size() > kMost ? "...'" : "'");
}

}  // namespace skew
