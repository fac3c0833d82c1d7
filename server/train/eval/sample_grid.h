// Pictures of generated images.
#ifndef SKEW_SERVER_TRAIN_EVAL_SAMPLE_GRID_H_
#define SKEW_SERVER_TRAIN_EVAL_SAMPLE_GRID_H_

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/types/span.h"
#include "server/train/torch.h"

namespace skew::train {

// Writes `images` (float [n, 1, h, w], 0 to 1, anything outside is clamped; n >= 1, any device), row by row in
// `columns` columns (at least 1), as an 8-bit grey PNG. Every pixel becomes 2x2; 2 pixels of mid-grey are between
// images and around them: the picture is columns * (2 w + 2) + 2 pixels wide and rows * (2 h + 2) + 2 high. Places
// without an image are mid-grey.
//
// INVALID_ARGUMENT for another shape; INTERNAL when libpng fails; errors of the file system. The file appears whole or
// not at all.
absl::Status WriteSampleGrid(const std::string& path, const at::Tensor& images, int columns);

// The first `per_class` of `images` (as above) of each of `classes`, in that order: [classes * per_class, 1, h, w] on
// the CPU. `labels` has the class of every image; of a class with fewer images the rest of its places is mid-grey.
at::Tensor FirstOfEachClass(const at::Tensor& images, absl::Span<const int32_t> labels,
                            absl::Span<const int32_t> classes, int64_t per_class);

}  // namespace skew::train

#endif  // SKEW_SERVER_TRAIN_EVAL_SAMPLE_GRID_H_
