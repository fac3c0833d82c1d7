#include "tests/fuzz/framing.h"

#include <algorithm>

namespace skew::fuzz {
namespace {

constexpr size_t kHeadBytes = 4;

uint16_t Number(absl::string_view bytes) {
  return static_cast<uint16_t>(static_cast<uint8_t>(bytes[0]) * 256U + static_cast<uint8_t>(bytes[1]));
}

void AppendNumber(size_t number, std::string& bytes) {
  bytes.push_back(static_cast<char>(number >> 8 & 0xff));
  bytes.push_back(static_cast<char>(number & 0xff));
}

}  // namespace

std::vector<Part> SplitParts(absl::string_view input, size_t most) {
  std::vector<Part> parts;
  while (parts.size() < most && input.size() >= kHeadBytes) {
    const size_t length = Number(input.substr(2));
    parts.push_back({Number(input), std::string(input.substr(kHeadBytes, length))});
    input.remove_prefix(std::min(input.size(), kHeadBytes + length));
  }
  return parts;
}

std::string JoinParts(const std::vector<Part>& parts) {
  std::string input;
  for (const Part& part : parts) {
    AppendNumber(part.head, input);
    AppendNumber(part.bytes.size(), input);
    input += part.bytes;
  }
  return input;
}

}  // namespace skew::fuzz
