// The IDX file format of MNIST: a magic number, the sizes of the dimensions, then unsigned bytes. Plain or gzip.
#ifndef SKEW_COMMON_DATA_IDX_H_
#define SKEW_COMMON_DATA_IDX_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace skew {

// count x height x width grey values, row by row.
struct IdxImages {
  int32_t count = 0;
  int32_t height = 0;
  int32_t width = 0;
  std::vector<uint8_t> pixels;
};

// Parse the (uncompressed) content of a file; `name` is for the message. DATA_LOSS, naming the file and what is wrong
// with it, when its magic number, sizes or length are not those of such a file.
absl::StatusOr<IdxImages> ParseIdxImages(absl::string_view bytes, absl::string_view name);
absl::StatusOr<std::vector<uint8_t>> ParseIdxLabels(absl::string_view bytes, absl::string_view name);

// The content of a file, decompressed when it is gzip. NOT_FOUND when it is missing, DATA_LOSS when the gzip data is
// damaged or decompresses to more than 1 GiB.
absl::StatusOr<std::string> ReadMaybeGzip(const std::string& path);

}  // namespace skew

#endif  // SKEW_COMMON_DATA_IDX_H_
