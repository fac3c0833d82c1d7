// Runs a fuzz target on its seeds and on every file below the folders given, in the order of their names.
#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/file.h"
#include "tests/fuzz/target.h"

// Nothing is mutated here.
extern "C" size_t LLVMFuzzerMutate(uint8_t* /*data*/, size_t size, size_t /*max_size*/) { return size; }

namespace {

void Run(const std::string& input) {
  // A copy of its own on the heap, so that a sanitizer sees reads behind its end.
  const std::vector<uint8_t> bytes(input.begin(), input.end());
  LLVMFuzzerTestOneInput(bytes.data(), bytes.size());
}

std::vector<std::string> FilesBelow(const std::string& folder) {
  std::vector<std::string> files;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder)) {
    if (entry.is_regular_file()) files.push_back(entry.path().string());
  }
  std::sort(files.begin(), files.end());
  return files;
}

}  // namespace

int main(int argc, char** argv) {
  size_t count = 0;
  for (const std::string& seed : skew::fuzz::Seeds()) {
    Run(seed);
    ++count;
  }
  for (int i = 1; i < argc; ++i) {
    const std::vector<std::string> files = FilesBelow(argv[i]);
    skew::fuzz::Require(!files.empty(), absl::StrCat("there are no inputs in ", argv[i]));
    for (const std::string& file : files) {
      std::printf("%s\n", file.c_str());
      std::fflush(stdout);  // it is to be read after a crash
      Run(skew::ReadFile(file).value());
      ++count;
    }
  }
  std::printf("%zu inputs replayed\n", count);
  return 0;
}
