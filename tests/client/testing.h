// What these tests share.
#ifndef SKEW_TESTS_CLIENT_TESTING_H_
#define SKEW_TESTS_CLIENT_TESTING_H_

#include <google/protobuf/text_format.h>
#include <google/protobuf/util/message_differencer.h>

#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace skew {

// A message from its text form.
template <typename Message>
Message Parse(const std::string& text) {
  Message message;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &message)) << text;
  return message;
}

MATCHER_P(EqualsProto, text, "") {
  const auto expected = Parse<std::decay_t<decltype(arg)>>(text);
  google::protobuf::util::MessageDifferencer differencer;
  std::string differences;
  differencer.ReportDifferencesToString(&differences);
  const bool equal = differencer.Compare(expected, arg);
  *result_listener << differences;
  return equal;
}

}  // namespace skew

#endif  // SKEW_TESTS_CLIENT_TESTING_H_
