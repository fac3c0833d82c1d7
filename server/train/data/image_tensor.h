// Dataset images as tensors.
#ifndef SKEW_SERVER_TRAIN_DATA_IMAGE_TENSOR_H_
#define SKEW_SERVER_TRAIN_DATA_IMAGE_TENSOR_H_

#include <cstdint>

#include "absl/types/span.h"
#include "common/data/idx.h"
#include "server/train/torch.h"

namespace skew::train {

// The images at `indices` (each within the file, repeats allowed), in that order: float32 [n, 1, height, width] on the
// CPU, 0 for grey value 0 to 1 for 255.
at::Tensor ToTensor(const IdxImages& images, absl::Span<const int64_t> indices);

// All images.
at::Tensor ToTensor(const IdxImages& images);

}  // namespace skew::train

#endif  // SKEW_SERVER_TRAIN_DATA_IMAGE_TENSOR_H_
