// Pictures that a run made, as pixels.
#ifndef SKEW_TESTS_TRAIN_DECODED_PNG_H_
#define SKEW_TESTS_TRAIN_DECODED_PNG_H_

#include <png.h>

#include <cstdint>
#include <string>
#include <vector>

#include "gtest/gtest.h"

namespace skew::train {

// A grey picture.
struct DecodedPng {
  int64_t width = 0;
  int64_t height = 0;
  std::vector<uint8_t> grey;

  int At(int64_t x, int64_t y) const { return grey[static_cast<size_t>(y * width + x)]; }
};

// A test failure when it is no such picture.
inline DecodedPng DecodePng(const std::string& path) {
  png_image png{};
  png.version = PNG_IMAGE_VERSION;
  EXPECT_NE(png_image_begin_read_from_file(&png, path.c_str()), 0) << png.message;
  EXPECT_EQ(png.format, PNG_FORMAT_GRAY);
  DecodedPng decoded{png.width, png.height, std::vector<uint8_t>(PNG_IMAGE_SIZE(png))};
  EXPECT_NE(png_image_finish_read(&png, nullptr, decoded.grey.data(), 0, nullptr), 0) << png.message;
  return decoded;
}

}  // namespace skew::train

#endif  // SKEW_TESTS_TRAIN_DECODED_PNG_H_
