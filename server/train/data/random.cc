#include "server/train/data/random.h"

#include <numeric>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/digest.h"

namespace skew::train {
namespace {

uint64_t HexDigits(absl::string_view digits) {
  uint64_t value = 0;
  for (const char digit : digits) {
    value = value * 16 + static_cast<uint64_t>(digit <= '9' ? digit - '0' : digit - 'a' + 10);
  }
  return value;
}

}  // namespace

uint64_t Random::Next() {
  state_ += 0x9e3779b97f4a7c15;
  uint64_t mixed = state_;
  mixed = (mixed ^ (mixed >> 30)) * 0xbf58476d1ce4e5b9;
  mixed = (mixed ^ (mixed >> 27)) * 0x94d049bb133111eb;
  return mixed ^ (mixed >> 31);
}

uint64_t Random::Below(uint64_t bound) {
  __extension__ using Wide = unsigned __int128;
  const uint64_t incomplete = (0 - bound) % bound;
  while (true) {
    const Wide product = static_cast<Wide>(Next()) * bound;
    if (static_cast<uint64_t>(product) >= incomplete) return static_cast<uint64_t>(product >> 64);
  }
}

std::vector<int64_t> Permutation(int64_t size, Random& random) {
  std::vector<int64_t> order(static_cast<size_t>(size));
  std::iota(order.begin(), order.end(), 0);
  for (size_t left = order.size(); left > 1; --left) std::swap(order[left - 1], order[random.Below(left)]);
  return order;
}

uint64_t DeriveSeed(absl::string_view purpose, std::initializer_list<uint64_t> numbers) {
  std::string text(purpose);
  for (const uint64_t number : numbers) absl::StrAppend(&text, "/", number);
  return HexDigits(absl::string_view(Sha256Hex(text)).substr(0, 16));
}

}  // namespace skew::train
