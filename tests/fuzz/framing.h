// Inputs that are lists: each part stands after two bytes of its own and its length in two bytes, most significant
// first.
#ifndef SKEW_TESTS_FUZZ_FRAMING_H_
#define SKEW_TESTS_FUZZ_FRAMING_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"

namespace skew::fuzz {

struct Part {
  uint16_t head = 0;
  std::string bytes;
};

// At most `most` parts; what comes after them is not looked at. A part that is cut short is as long as what is there.
std::vector<Part> SplitParts(absl::string_view input, size_t most);

std::string JoinParts(const std::vector<Part>& parts);

}  // namespace skew::fuzz

#endif  // SKEW_TESTS_FUZZ_FRAMING_H_
