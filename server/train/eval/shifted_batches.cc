#include "server/train/eval/shifted_batches.h"

#include <ATen/ops/zeros.h>

#include <algorithm>
#include <cstdlib>
#include <vector>

#include "server/train/engine/tensor_map.h"

namespace skew::train {
namespace {

// Copies an h x w image of grey values `dy` down and `dx` to the right into `out`, which is all 0.
void CopyShifted(const uint8_t* grey, int64_t h, int64_t w, int64_t dy, int64_t dx, float* out) {
  const int64_t columns = w - std::abs(dx);
  for (int64_t y = std::max<int64_t>(0, dy); y < std::min(h, h + dy); ++y) {
    const uint8_t* const from = grey + (y - dy) * w + std::max<int64_t>(0, -dx);
    float* const to = out + y * w + std::max<int64_t>(0, dx);
    std::transform(from, from + columns, to, [](uint8_t value) { return static_cast<float>(value) / 255.0F; });
  }
}

}  // namespace

ShiftedBatches::ShiftedBatches(const LabelledImages* split, int64_t batch_size, int64_t max_shift, uint64_t seed)
    : split_(split),
      max_shift_(max_shift),
      order_(split->images.count, batch_size, DeriveSeed("classifier order", {seed})),
      random_(DeriveSeed("classifier shifts", {seed})) {}

ShiftedBatches::Batch ShiftedBatches::Next() {
  const IdxImages& all = split_->images;
  const int64_t size = static_cast<int64_t>(all.height) * all.width;
  const std::vector<int64_t> positions = order_.Next();
  std::vector<int64_t> labels;
  labels.reserve(positions.size());
  const at::Tensor images = at::zeros({static_cast<int64_t>(positions.size()), 1, all.height, all.width}, at::kFloat);
  auto* out = static_cast<float*>(images.data_ptr());
  for (const int64_t position : positions) {
    const int64_t dy = DrawShift();
    const int64_t dx = DrawShift();
    CopyShifted(all.pixels.data() + position * size, all.height, all.width, dy, dx, out);
    out += size;
    labels.push_back(split_->labels[static_cast<size_t>(position)]);
  }
  return {images, TensorOfInts(labels)};
}

int64_t ShiftedBatches::DrawShift() {
  return static_cast<int64_t>(random_.Below(static_cast<uint64_t>(2 * max_shift_ + 1))) - max_shift_;
}

}  // namespace skew::train
