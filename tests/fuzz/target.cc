#include "tests/fuzz/target.h"

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>

#include "absl/strings/str_cat.h"
#include "common/digest.h"

namespace skew::fuzz {

void Fail(absl::string_view what) {
  std::fprintf(stderr, "fuzz target: %s\n", std::string(what).c_str());
  std::abort();
}

void Require(bool holds, absl::string_view what) {
  if (!holds) Fail(what);
}

void WriteSeeds(const std::string& folder) {
  std::filesystem::create_directories(folder);
  for (const std::string& seed : Seeds()) {
    std::ofstream out(absl::StrCat(folder, "/", Sha256Hex(seed).substr(0, 40)), std::ios::binary);
    out << seed;
    Require(out.good(), absl::StrCat("cannot write seeds into ", folder));
  }
}

size_t PutInput(const std::string& input, uint8_t* data, size_t size, size_t max_size) {
  if (input.size() > max_size) return size;
  std::memcpy(data, input.data(), input.size());
  return input.size();
}

}  // namespace skew::fuzz
