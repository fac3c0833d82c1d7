// Random changes of protobuf messages that keep them well-formed. Flipped bytes mostly make requests that the first
// check refuses; these get further.
#ifndef SKEW_TESTS_FUZZ_MESSAGE_MUTATOR_H_
#define SKEW_TESTS_FUZZ_MESSAGE_MUTATOR_H_

#include <cstddef>
#include <cstdint>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "google/protobuf/descriptor.h"
#include "google/protobuf/message.h"

namespace skew::fuzz {

class MessageMutator {
 public:
  // `words` are tried as values of text fields: names and ids that mean something to the code under test.
  MessageMutator(unsigned seed, std::vector<std::string> words) : random_(seed), words_(std::move(words)) {}

  // One or a few changes somewhere in the message or what it holds.
  void Mutate(google::protobuf::Message& message);

  // 0 to count - 1.
  size_t Pick(size_t count) { return std::uniform_int_distribution<size_t>(0, count - 1)(random_); }

 private:
  void MutateOnce(google::protobuf::Message& message);
  void MutateField(const google::protobuf::FieldDescriptor& field, google::protobuf::Message& message);
  void MutateRepeated(const google::protobuf::FieldDescriptor& field, google::protobuf::Message& message);
  // Sets the field, or adds to it when it is repeated.
  void Put(const google::protobuf::FieldDescriptor& field, google::protobuf::Message& message);
  int64_t Integer();
  double Real();
  std::string Text();
  int EnumNumber(const google::protobuf::EnumDescriptor& type);

  std::mt19937 random_;
  const std::vector<std::string> words_;
};

}  // namespace skew::fuzz

#endif  // SKEW_TESTS_FUZZ_MESSAGE_MUTATOR_H_
