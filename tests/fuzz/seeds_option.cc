// For builds with libFuzzer, whose main function is its own: "--seeds FOLDER" writes the target's seeds.
#include <cstdlib>

#include "absl/strings/string_view.h"
#include "tests/fuzz/target.h"

extern "C" int LLVMFuzzerInitialize(int* argc, char*** argv) {
  if (*argc == 3 && absl::string_view((*argv)[1]) == "--seeds") {
    skew::fuzz::WriteSeeds((*argv)[2]);
    std::exit(0);
  }
  return 0;
}
