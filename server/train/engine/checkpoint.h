// Where trainings go on from: files in a run's work folder.
#ifndef SKEW_SERVER_TRAIN_ENGINE_CHECKPOINT_H_
#define SKEW_SERVER_TRAIN_ENGINE_CHECKPOINT_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "server/train/engine/tensor_map.h"

namespace skew::train {

struct Checkpoint {
  int64_t step = 0;
  TensorMap state;
};

// Named tensors as a file:
//
//   8 bytes   "SKEWCKPT"
//   4 bytes   version 1, little-endian
//   8 bytes   step, little-endian
//   n bytes   the tensors (see SerializeTensors)
//   64 bytes  hex SHA-256 of everything before
std::string SerializeCheckpoint(const Checkpoint& checkpoint);
// DATA_LOSS, saying what is wrong, unless `bytes` is such a file, whole and unchanged.
absl::StatusOr<Checkpoint> ParseCheckpoint(absl::string_view bytes);

// The checkpoints of one run: files "checkpoint-<step>.ckpt" in one folder, of which two are kept.
class CheckpointFolder {
 public:
  explicit CheckpointFolder(std::string path) : path_(std::move(path)) {}

  // Writes one atomically, then removes all others but the newest of an earlier step. What is there of later steps is
  // of no use: the training has come back from there. Errors are those of the file system, with the path.
  absl::Status Write(const Checkpoint& checkpoint) const;

  // The newest one that is whole: a damaged one is put aside, with a line in `problems` that says why. None when there
  // is none. An error when they cannot be read for now: then nothing is known about them.
  absl::StatusOr<std::optional<Checkpoint>> ReadNewest(std::vector<std::string>& problems) const;

  // Renames one to "checkpoint-<step>.ckpt.bad", so that it is not read again.
  absl::Status PutAside(int64_t step) const;

 private:
  std::string PathOf(int64_t step) const;
  // Steps of the files there, newest first; none when there is no folder.
  absl::StatusOr<std::vector<int64_t>> Steps() const;

  std::string path_;
};

}  // namespace skew::train

#endif  // SKEW_SERVER_TRAIN_ENGINE_CHECKPOINT_H_
