#include "tests/fuzz/message_mutator.h"

#include <cmath>
#include <limits>

namespace skew::fuzz {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::Reflection;

constexpr size_t kMostElements = 64;

// The message and all messages in it.
void Collect(Message& message, std::vector<Message*>& found) {
  found.push_back(&message);
  const Reflection& reflection = *message.GetReflection();
  std::vector<const FieldDescriptor*> fields;
  reflection.ListFields(message, &fields);
  for (const FieldDescriptor* field : fields) {
    if (field->cpp_type() != FieldDescriptor::CPPTYPE_MESSAGE) continue;
    if (!field->is_repeated()) {
      Collect(*reflection.MutableMessage(&message, field), found);
      continue;
    }
    for (int i = 0; i < reflection.FieldSize(message, field); ++i) {
      Collect(*reflection.MutableRepeatedMessage(&message, field, i), found);
    }
  }
}

}  // namespace

void MessageMutator::Mutate(Message& message) {
  for (size_t i = 0; i <= Pick(3); ++i) MutateOnce(message);
}

void MessageMutator::MutateOnce(Message& message) {
  std::vector<Message*> messages;
  Collect(message, messages);
  Message& chosen = *messages[Pick(messages.size())];
  const int fields = chosen.GetDescriptor()->field_count();
  if (fields > 0)
    MutateField(*chosen.GetDescriptor()->field(static_cast<int>(Pick(static_cast<size_t>(fields)))), chosen);
}

void MessageMutator::MutateField(const FieldDescriptor& field, Message& message) {
  if (field.is_repeated()) return MutateRepeated(field, message);
  if (Pick(8) == 0) return message.GetReflection()->ClearField(&message, &field);
  Put(field, message);
}

void MessageMutator::MutateRepeated(const FieldDescriptor& field, Message& message) {
  const Reflection& reflection = *message.GetReflection();
  const auto size = static_cast<size_t>(reflection.FieldSize(message, &field));
  if (size == 0 || (size < kMostElements && Pick(2) == 0)) return Put(field, message);
  switch (Pick(3)) {
    case 0:
      return reflection.RemoveLast(&message, &field);
    case 1:
      return reflection.SwapElements(&message, &field, static_cast<int>(Pick(size)), static_cast<int>(Pick(size)));
    default:
      if (field.cpp_type() != FieldDescriptor::CPPTYPE_MESSAGE || size >= kMostElements) return;
      reflection.AddMessage(&message, &field)
          ->CopyFrom(reflection.GetRepeatedMessage(message, &field, static_cast<int>(Pick(size))));
  }
}

void MessageMutator::Put(const FieldDescriptor& field, Message& message) {
  const Reflection& r = *message.GetReflection();
  const bool add = field.is_repeated();
  const auto put = [&](auto value, auto set, auto append) { (r.*(add ? append : set))(&message, &field, value); };
  switch (field.cpp_type()) {
    case FieldDescriptor::CPPTYPE_INT32:
      return put(static_cast<int32_t>(Integer()), &Reflection::SetInt32, &Reflection::AddInt32);
    case FieldDescriptor::CPPTYPE_INT64:
      return put(Integer(), &Reflection::SetInt64, &Reflection::AddInt64);
    case FieldDescriptor::CPPTYPE_UINT32:
      return put(static_cast<uint32_t>(Integer()), &Reflection::SetUInt32, &Reflection::AddUInt32);
    case FieldDescriptor::CPPTYPE_UINT64:
      return put(static_cast<uint64_t>(Integer()), &Reflection::SetUInt64, &Reflection::AddUInt64);
    case FieldDescriptor::CPPTYPE_DOUBLE:
      return put(Real(), &Reflection::SetDouble, &Reflection::AddDouble);
    case FieldDescriptor::CPPTYPE_FLOAT:
      return put(static_cast<float>(Real()), &Reflection::SetFloat, &Reflection::AddFloat);
    case FieldDescriptor::CPPTYPE_BOOL:
      return put(Pick(2) == 0, &Reflection::SetBool, &Reflection::AddBool);
    case FieldDescriptor::CPPTYPE_ENUM:
      return put(EnumNumber(*field.enum_type()), &Reflection::SetEnumValue, &Reflection::AddEnumValue);
    case FieldDescriptor::CPPTYPE_STRING: {
      std::string text = Text();
      return add ? r.AddString(&message, &field, std::move(text)) : r.SetString(&message, &field, std::move(text));
    }
    case FieldDescriptor::CPPTYPE_MESSAGE: {
      Message& child = add ? *r.AddMessage(&message, &field) : *r.MutableMessage(&message, &field);
      // An empty one says little.
      for (int i = 0; i < child.GetDescriptor()->field_count(); ++i) {
        const FieldDescriptor& inner = *child.GetDescriptor()->field(i);
        if (inner.cpp_type() != FieldDescriptor::CPPTYPE_MESSAGE && Pick(2) == 0) Put(inner, child);
      }
    }
  }
}

int64_t MessageMutator::Integer() {
  constexpr int64_t kValues[] = {0,
                                 1,
                                 2,
                                 3,
                                 -1,
                                 10,
                                 28,
                                 40,
                                 41,
                                 100,
                                 1000,
                                 10'000,
                                 100'000,
                                 100'001,
                                 std::numeric_limits<int32_t>::max(),
                                 std::numeric_limits<int32_t>::min(),
                                 std::numeric_limits<int64_t>::max(),
                                 std::numeric_limits<int64_t>::min()};
  if (Pick(4) == 0) return static_cast<int64_t>(random_());
  if (Pick(2) == 0) return static_cast<int64_t>(Pick(64));
  return kValues[Pick(std::size(kValues))];
}

double MessageMutator::Real() {
  const double values[] = {0.0,
                           -0.0,
                           1.0,
                           0.5,
                           0.1,
                           -1.0,
                           2.0,
                           10'000.0,
                           1e-300,
                           1e300,
                           std::numeric_limits<double>::max(),
                           std::numeric_limits<double>::denorm_min(),
                           std::numeric_limits<double>::infinity(),
                           -std::numeric_limits<double>::infinity(),
                           std::numeric_limits<double>::quiet_NaN()};
  if (Pick(4) == 0) return std::uniform_real_distribution<double>(0, 1)(random_);
  return values[Pick(std::size(values))];
}

std::string MessageMutator::Text() {
  switch (Pick(8)) {
    case 0:
      return "";
    case 1:
      return std::string(Pick(300), 'x');
    case 2:
      return "\xc3\xa9\n\t'\"\\\x01: # -";
    default:
      return words_.empty() ? "" : words_[Pick(words_.size())];
  }
}

int MessageMutator::EnumNumber(const google::protobuf::EnumDescriptor& type) {
  if (Pick(8) == 0) return static_cast<int>(Integer());
  return type.value(static_cast<int>(Pick(static_cast<size_t>(type.value_count()))))->number();
}

}  // namespace skew::fuzz
