#include "common/data/idx.h"

#include <zlib.h>

#include <array>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/types/span.h"
#include "common/file.h"
#include "common/status.h"

namespace skew {
namespace {

// Two zero bytes, element type 8 (unsigned byte), number of dimensions.
constexpr uint32_t kImagesMagic = 0x00000803;
constexpr uint32_t kLabelsMagic = 0x00000801;

constexpr size_t kMaxBytes = size_t{1} << 30;
constexpr uint64_t kMaxCount = 100'000'000;
constexpr uint64_t kMaxSide = 4096;

constexpr absl::string_view kGzipMagic = "\x1f\x8b";
// windowBits of zlib: the largest window, with a gzip header.
constexpr int kGzipWindowBits = 15 + 16;

uint32_t BigEndian32(absl::string_view bytes, size_t offset) {
  uint32_t value = 0;
  for (size_t i = 0; i < 4; ++i) value = (value << 8) | static_cast<uint8_t>(bytes[offset + i]);
  return value;
}

// Checks the magic number and reads the sizes behind it into `dimensions`.
absl::Status ReadHeader(absl::string_view bytes, absl::string_view name, uint32_t magic,
                        absl::Span<uint64_t> dimensions) {
  const size_t header = 4 * (dimensions.size() + 1);
  if (bytes.size() < header) {
    return absl::DataLossError(
        absl::StrCat(name, " is ", bytes.size(), " bytes long, shorter than the ", header, " bytes of an IDX header"));
  }
  const uint32_t found = BigEndian32(bytes, 0);
  if (found != magic) {
    return absl::DataLossError(absl::StrFormat("%s begins with magic number 0x%08x, not 0x%08x", name, found, magic));
  }
  for (size_t i = 0; i < dimensions.size(); ++i) dimensions[i] = BigEndian32(bytes, 4 * (i + 1));
  return absl::OkStatus();
}

absl::Status CheckLength(absl::string_view bytes, absl::string_view name, uint64_t expected) {
  if (bytes.size() == expected) return absl::OkStatus();
  return absl::DataLossError(absl::StrCat(name, " is ", bytes.size(), " bytes long; its header says ", expected));
}

// Owns a zlib stream that inflates gzip data.
class Inflater {
 public:
  Inflater() { ready_ = inflateInit2(&stream_, kGzipWindowBits) == Z_OK; }
  ~Inflater() { inflateEnd(&stream_); }
  Inflater(const Inflater&) = delete;
  Inflater& operator=(const Inflater&) = delete;

  absl::StatusOr<std::string> Inflate(absl::string_view compressed, absl::string_view path) {
    if (!ready_) return absl::ResourceExhaustedError(absl::StrCat("no memory to decompress ", path));
    std::string content;
    std::string buffer(size_t{1} << 18, '\0');
    // zlib's interface predates const.
    stream_.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(compressed.data()));
    stream_.avail_in = static_cast<uInt>(compressed.size());
    int result = Z_OK;
    while (result == Z_OK) {
      stream_.next_out = reinterpret_cast<Bytef*>(buffer.data());
      stream_.avail_out = static_cast<uInt>(buffer.size());
      result = inflate(&stream_, Z_NO_FLUSH);
      content.append(buffer, 0, buffer.size() - stream_.avail_out);
      // A file of several members is their contents, one after the other (RFC 1952, 2.2).
      if (result == Z_STREAM_END && stream_.avail_in != 0) result = inflateReset(&stream_);
      if (content.size() > kMaxBytes) return absl::DataLossError(absl::StrCat(path, " decompresses to over 1 GiB"));
    }
    if (result != Z_STREAM_END || stream_.avail_in != 0) {
      return absl::DataLossError(absl::StrCat(path, " is damaged or truncated gzip data"));
    }
    return content;
  }

 private:
  z_stream stream_{};
  bool ready_ = false;
};

}  // namespace

absl::StatusOr<IdxImages> ParseIdxImages(absl::string_view bytes, absl::string_view name) {
  std::array<uint64_t, 3> sizes{};
  SKEW_RETURN_IF_ERROR(ReadHeader(bytes, name, kImagesMagic, absl::MakeSpan(sizes)));
  const auto [count, height, width] = sizes;
  if (count == 0 || count > kMaxCount || height == 0 || height > kMaxSide || width == 0 || width > kMaxSide) {
    return absl::DataLossError(absl::StrCat(name, " claims ", count, " images of ", height, "x", width, " pixels"));
  }
  SKEW_RETURN_IF_ERROR(CheckLength(bytes, name, 16 + count * height * width));
  IdxImages images{static_cast<int32_t>(count), static_cast<int32_t>(height), static_cast<int32_t>(width), {}};
  images.pixels.assign(bytes.begin() + 16, bytes.end());
  return images;
}

absl::StatusOr<std::vector<uint8_t>> ParseIdxLabels(absl::string_view bytes, absl::string_view name) {
  std::array<uint64_t, 1> sizes{};
  SKEW_RETURN_IF_ERROR(ReadHeader(bytes, name, kLabelsMagic, absl::MakeSpan(sizes)));
  if (sizes[0] == 0 || sizes[0] > kMaxCount) {
    return absl::DataLossError(absl::StrCat(name, " claims ", sizes[0], " labels"));
  }
  SKEW_RETURN_IF_ERROR(CheckLength(bytes, name, 8 + sizes[0]));
  return std::vector<uint8_t>(bytes.begin() + 8, bytes.end());
}

absl::StatusOr<std::string> ReadMaybeGzip(const std::string& path) {
  absl::StatusOr<std::string> content = ReadFile(path, kMaxBytes);
  if (!content.ok() || !absl::StartsWith(*content, kGzipMagic)) return content;
  return Inflater().Inflate(*content, path);
}

}  // namespace skew
