#include "server/train/engine/direct_convolution.h"

#include <ATen/Parallel.h>
#include <ATen/ops/empty.h>

#include <vector>

#include "server/train/engine/gather.h"
#include "server/train/engine/products.h"

namespace skew::train {
namespace {

constexpr int64_t kImagesPerThread = 4;

at::Tensor EmptyImages(int64_t n, int64_t channels, int64_t height, int64_t width, at::ScalarType kind) {
  return at::empty({n, channels, height, width}, at::TensorOptions(kind), at::MemoryFormat::ChannelsLast);
}

Pixels PixelsOf(const at::Tensor& images) {
  return {images.data_ptr(), images.size(0), images.size(2) * images.size(3), images.size(1)};
}

// As the products need it.
at::Tensor Activations(const at::Tensor& images, at::ScalarType kind) {
  return images.to(kind).contiguous(at::MemoryFormat::ChannelsLast);
}

// Every target is the sum of what the positions of the kernel have for it. `unfolded` is [small pixels][taps].
void AddTaps(const Gather& gather, const float* unfolded, int64_t taps, float* image) {
  const int32_t* source = gather.sources.data();
  for (const int32_t target : gather.targets) {
    float sum = 0;
    for (const int32_t tap : gather.taps) {
      const int32_t from = *source++;
      if (from >= 0) sum += unfolded[from * taps + tap];
    }
    image[target] = sum;
  }
}

ConvolutionGrid Pointwise(int64_t height, int64_t width) { return {1, 1, 0, height, width}; }

}  // namespace

DirectConvolution::DirectConvolution(const Kernels* kernels, const at::Tensor& weight, ConvolutionShape shape,
                                     int64_t height, int64_t width)
    : kernels_(kernels),
      weight_(weight.permute({2, 3, 1, 0}).contiguous()),
      outputs_(weight.size(0)),
      inputs_(weight.size(1)),
      grid_{weight.size(2), shape.stride, shape.padding, height, width} {}

bool DirectConvolution::Supports(const at::Tensor& weight) {
  const int64_t outputs = weight.size(0);
  const int64_t inputs = weight.size(1) == 1 ? weight.size(2) * weight.size(3) : weight.size(1);
  return weight.is_cpu() && weight.scalar_type() == at::kFloat && weight.size(2) == weight.size(3) &&
         outputs % 8 == 0 && inputs % 8 == 0 && outputs <= kMostChannels && inputs <= kMostChannels;
}

at::Tensor DirectConvolution::Forward(const at::Tensor& large) const {
  const at::Tensor source = thin() ? Unfold(large) : Activations(large, kind());
  at::Tensor small = EmptyImages(large.size(0), outputs_, grid_.small_height(), grid_.small_width(), kind());
  const WeightView weights{weight(), large_channels() * outputs_, outputs_, 1};
  MultiplyGathered(*kernels_, GatherForward(product_grid()), PixelsOf(source), weights, PixelsOf(small), false);
  return small;
}

at::Tensor DirectConvolution::InputGradient(const at::Tensor& small) const {
  const at::Tensor source = Activations(small, kind());
  const ConvolutionGrid grid = product_grid();
  const at::Tensor large =
      EmptyImages(small.size(0), large_channels(), grid.height, grid.width, thin() ? at::kFloat : kind());
  const WeightView weights{weight(), large_channels() * outputs_, 1, outputs_};
  for (const Gather& gather : GatherBackward(grid)) {
    MultiplyGathered(*kernels_, gather, PixelsOf(source), weights, PixelsOf(large), thin());
  }
  return thin() ? Fold(large) : large;
}

at::Tensor DirectConvolution::WeightGradient(const at::Tensor& small, const at::Tensor& large) const {
  const at::Tensor rows = thin() ? Unfold(large) : Activations(large, kind());
  const at::Tensor columns = Activations(small, kind());
  at::Tensor gradient = at::empty(weight_.sizes());
  MultiplyOuter(*kernels_, product_grid(), PixelsOf(rows), PixelsOf(columns), static_cast<float*>(gradient.data_ptr()));
  return gradient.permute({3, 2, 0, 1});
}

ConvolutionGrid DirectConvolution::product_grid() const {
  return thin() ? Pointwise(grid_.small_height(), grid_.small_width()) : grid_;
}

at::Tensor DirectConvolution::Unfold(const at::Tensor& large) const {
  const at::Tensor images = large.to(at::kFloat).contiguous();
  const Gather gather = GatherForward(grid_);
  const auto numbers = static_cast<int64_t>(gather.sources.size());
  at::Tensor unfolded = EmptyImages(large.size(0), large_channels(), grid_.small_height(), grid_.small_width(), kind());
  const auto* const from = static_cast<const float*>(images.data_ptr());
  auto* const to = static_cast<char*>(unfolded.data_ptr());
  at::parallel_for(0, large.size(0), kImagesPerThread, [&](int64_t begin, int64_t end) {
    std::vector<float> picked(gather.sources.size());
    for (int64_t n = begin; n < end; ++n) {
      const float* const image = from + n * grid_.pixels();
      for (size_t i = 0; i < picked.size(); ++i) picked[i] = gather.sources[i] < 0 ? 0 : image[gather.sources[i]];
      kernels_->from_float(picked.data(), numbers, to + n * numbers * 4 / kernels_->per_lane);
    }
  });
  return unfolded;
}

at::Tensor DirectConvolution::Fold(const at::Tensor& unfolded) const {
  const std::vector<Gather> gathers = GatherBackward(grid_);
  at::Tensor images = at::empty({unfolded.size(0), 1, grid_.height, grid_.width});
  const auto* const from = static_cast<const float*>(unfolded.data_ptr());
  auto* const to = static_cast<float*>(images.data_ptr());
  const int64_t numbers = grid_.small_pixels() * grid_.taps();
  at::parallel_for(0, unfolded.size(0), kImagesPerThread, [&](int64_t begin, int64_t end) {
    for (int64_t n = begin; n < end; ++n) {
      for (const Gather& gather : gathers) {
        AddTaps(gather, from + n * numbers, grid_.taps(), to + n * grid_.pixels());
      }
    }
  });
  return images;
}

at::Tensor TapMajor(const at::Tensor& weight) {
  return weight.permute({2, 3, 1, 0}).contiguous().permute({3, 2, 0, 1});
}

}  // namespace skew::train
