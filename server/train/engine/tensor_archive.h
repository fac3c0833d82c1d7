// The files that torch.save and LibTorch's pickle_save write, read without LibTorch: its own reader believes what it
// reads and crashes on damaged or hostile bytes, or allocates what they ask for.
#ifndef SKEW_SERVER_TRAIN_ENGINE_TENSOR_ARCHIVE_H_
#define SKEW_SERVER_TRAIN_ENGINE_TENSOR_ARCHIVE_H_

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace skew::train {

// Views of the records of a zip archive, by name. DATA_LOSS unless the archive is whole, below 4 GiB, and all its
// records are stored as they are, which is how tensors are written. Checksums are not looked at: the files have
// digests.
absl::StatusOr<std::map<std::string, absl::string_view>> ReadArchive(absl::string_view bytes);

// A named tensor as a pickle describes it: which elements of which storage it has.
struct TensorDescription {
  std::string name;
  std::string storage_type;  // "FloatStorage"
  std::string storage_key;   // the storage's bytes are the record "archive/data/<key>"
  int64_t storage_size = 0;  // in elements
  int64_t offset = 0;
  std::vector<int64_t> sizes;
  std::vector<int64_t> strides;
};

// What the record "archive/data.pkl" says. DATA_LOSS unless it is a dict of tensors, written just as LibTorch writes
// one: nothing else that a pickle can do is done.
absl::StatusOr<std::vector<TensorDescription>> ReadTensorPickle(absl::string_view pickle);

}  // namespace skew::train

#endif  // SKEW_SERVER_TRAIN_ENGINE_TENSOR_ARCHIVE_H_
