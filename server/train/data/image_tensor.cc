#include "server/train/data/image_tensor.h"

#include <ATen/ops/empty.h>

#include <algorithm>
#include <cstddef>
#include <numeric>
#include <vector>

namespace skew::train {

at::Tensor ToTensor(const IdxImages& images, absl::Span<const int64_t> indices) {
  const at::Tensor tensor =
      at::empty({static_cast<int64_t>(indices.size()), 1, images.height, images.width}, at::kFloat);
  const std::ptrdiff_t size = static_cast<std::ptrdiff_t>(images.height) * images.width;
  auto* out = static_cast<float*>(tensor.data_ptr());
  for (const int64_t index : indices) {
    const uint8_t* const pixels = images.pixels.data() + index * size;
    out = std::transform(pixels, pixels + size, out, [](uint8_t grey) { return static_cast<float>(grey) / 255.0F; });
  }
  return tensor;
}

at::Tensor ToTensor(const IdxImages& images) {
  std::vector<int64_t> indices(static_cast<size_t>(images.count));
  std::iota(indices.begin(), indices.end(), 0);
  return ToTensor(images, indices);
}

}  // namespace skew::train
