// What a fuzz target consists of. Each is one source with these two functions, built with libFuzzer (preset fuzz, see
// deploy/fuzz.sh) and, in every other build, as a program that replays the kept inputs (replay_main.cc).
#ifndef SKEW_TESTS_FUZZ_TARGET_H_
#define SKEW_TESTS_FUZZ_TARGET_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"

// Runs one input. Whatever must not happen ends the process: a sanitizer's report, or Require.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);

// libFuzzer's own way to change `size` bytes of at most `max_size`; for custom mutators.
extern "C" size_t LLVMFuzzerMutate(uint8_t* data, size_t size, size_t max_size);

namespace skew::fuzz {

// Inputs made from real things, for fuzzing to begin with.
std::vector<std::string> Seeds();

// Says what went wrong and ends the process.
[[noreturn]] void Fail(absl::string_view what);

// Fails unless `holds`.
void Require(bool holds, absl::string_view what);

// Writes each seed into the folder, under a name made from its content.
void WriteSeeds(const std::string& folder);

// A mutated input back into libFuzzer's buffer; its new size. What does not fit is not taken: `size` then.
size_t PutInput(const std::string& input, uint8_t* data, size_t size, size_t max_size);

}  // namespace skew::fuzz

#endif  // SKEW_TESTS_FUZZ_TARGET_H_
