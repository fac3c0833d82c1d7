// Random numbers that are the same on every platform: the standard library fixes its engines but not its
// distributions, and the draws here decide which images a model is trained on.
#ifndef SKEW_SERVER_TRAIN_DATA_RANDOM_H_
#define SKEW_SERVER_TRAIN_DATA_RANDOM_H_

#include <cstdint>
#include <initializer_list>
#include <vector>

#include "absl/strings/string_view.h"

namespace skew::train {

// SplitMix64 (Steele, Lea, Flood: "Fast splittable pseudorandom number generators", OOPSLA 2014). Its whole state is
// one number, so a checkpoint keeps it as such.
class Random {
 public:
  explicit Random(uint64_t state) : state_(state) {}

  // Uniform over all 64-bit numbers.
  uint64_t Next();
  // Uniform over 0 .. bound-1, without bias: products that fall into the incomplete last interval are drawn again
  // (Lemire: "Fast random integer generation in an interval", 2019). `bound` is at least 1.
  uint64_t Below(uint64_t bound);

  uint64_t state() const { return state_; }

 private:
  uint64_t state_;
};

// 0 .. size-1 in an order drawn from `random` (Fisher-Yates).
std::vector<int64_t> Permutation(int64_t size, Random& random);

// A seed for one purpose: the first eight bytes (big-endian) of the SHA-256 of "purpose/number/number/...". Different
// purposes never share a stream, however small the numbers are.
uint64_t DeriveSeed(absl::string_view purpose, std::initializer_list<uint64_t> numbers);

}  // namespace skew::train

#endif  // SKEW_SERVER_TRAIN_DATA_RANDOM_H_
