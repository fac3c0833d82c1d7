#include "server/train/eval/sample_grid.h"

#include <ATen/ops/full.h>
#include <png.h>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "common/file.h"

namespace skew::train {
namespace {

constexpr int64_t kScale = 2;
constexpr int64_t kGap = 2;
constexpr char kGapGrey = '\x80';

// Grey values, row by row.
struct Picture {
  int64_t width = 0;
  int64_t height = 0;
  std::string pixels;
};

// Copies one h x w image, enlarged, to where its top left corner is to be.
void Paste(const uint8_t* image, int64_t h, int64_t w, int64_t top, int64_t left, Picture& picture) {
  for (int64_t y = 0; y < h * kScale; ++y) {
    for (int64_t x = 0; x < w * kScale; ++x) {
      const uint8_t grey = image[(y / kScale) * w + x / kScale];
      picture.pixels[static_cast<size_t>((top + y) * picture.width + left + x)] = static_cast<char>(grey);
    }
  }
}

// `grey` is uint8 [n, 1, h, w], contiguous.
Picture Arrange(const at::Tensor& grey, int64_t columns) {
  const int64_t h = grey.size(2);
  const int64_t w = grey.size(3);
  const int64_t rows = (grey.size(0) + columns - 1) / columns;
  const int64_t step_x = w * kScale + kGap;
  const int64_t step_y = h * kScale + kGap;
  Picture picture{columns * step_x + kGap, rows * step_y + kGap, {}};
  picture.pixels.assign(static_cast<size_t>(picture.width * picture.height), kGapGrey);
  const auto* const pixels = static_cast<const uint8_t*>(grey.data_ptr());
  for (int64_t i = 0; i < grey.size(0); ++i) {
    Paste(pixels + i * h * w, h, w, kGap + (i / columns) * step_y, kGap + (i % columns) * step_x, picture);
  }
  return picture;
}

absl::StatusOr<std::string> EncodePng(const Picture& picture) {
  png_image png{};
  png.version = PNG_IMAGE_VERSION;
  png.width = static_cast<png_uint_32>(picture.width);
  png.height = static_cast<png_uint_32>(picture.height);
  png.format = PNG_FORMAT_GRAY;
  std::string bytes(PNG_IMAGE_PNG_SIZE_MAX(png), '\0');
  png_alloc_size_t size = bytes.size();
  if (png_image_write_to_memory(&png, bytes.data(), &size, 0, picture.pixels.data(), 0, nullptr) == 0) {
    return absl::InternalError(absl::StrCat("libpng: ", png.message));
  }
  bytes.resize(size);
  return bytes;
}

}  // namespace

absl::Status WriteSampleGrid(const std::string& path, const at::Tensor& images, int columns) {
  if (images.dim() != 4 || images.size(1) != 1 || images.numel() == 0 || columns < 1) {
    return absl::InvalidArgumentError(
        absl::StrCat(path, ": no grid of ", images.dim(), "-dimensional images in ", columns, " columns"));
  }
  const at::Tensor grey = images.detach().cpu().clamp(0, 1).mul(255).round().to(at::kByte).contiguous();
  const absl::StatusOr<std::string> png = EncodePng(Arrange(grey, columns));
  if (!png.ok()) return png.status();
  return WriteFileAtomically(path, *png);
}

at::Tensor FirstOfEachClass(const at::Tensor& images, absl::Span<const int32_t> labels,
                            absl::Span<const int32_t> classes, int64_t per_class) {
  const auto rows = static_cast<int64_t>(classes.size());
  at::Tensor chosen = at::full({rows * per_class, 1, images.size(2), images.size(3)}, 0.5, at::kFloat);
  for (int64_t row = 0; row < rows; ++row) {
    int64_t found = 0;
    for (size_t i = 0; i < labels.size() && found < per_class; ++i) {
      if (labels[i] != classes[static_cast<size_t>(row)]) continue;
      chosen[row * per_class + found++].copy_(images[static_cast<int64_t>(i)]);
    }
  }
  return chosen;
}

}  // namespace skew::train
