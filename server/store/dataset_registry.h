// The datasets of one server: the folders below its datasets folder.
#ifndef SKEW_SERVER_STORE_DATASET_REGISTRY_H_
#define SKEW_SERVER_STORE_DATASET_REGISTRY_H_

#include <map>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "skew/v1/server_service.pb.h"

namespace skew {

// Thread-safe. A dataset is read when it is first asked for and again when one of its files has changed since.
class DatasetRegistry {
 public:
  explicit DatasetRegistry(std::string folder) : folder_(std::move(folder)) {}

  // By name; a damaged one is listed with its problem.
  std::vector<v1::Dataset> List();

  // NOT_FOUND, naming those there are; UNAVAILABLE when that cannot be found out for now; or the error of reading it,
  // naming the file.
  absl::StatusOr<v1::Dataset> Find(absl::string_view name);

  // The folder of a dataset that Find knows.
  std::string FolderOf(absl::string_view name) const;

 private:
  struct Entry {
    std::string stamp;  // names, sizes and times of the files when they were read
    absl::StatusOr<v1::Dataset> dataset;
  };
  absl::StatusOr<std::vector<std::string>> Names() const;

  const std::string folder_;
  absl::Mutex mutex_;
  std::map<std::string, Entry, std::less<>> entries_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace skew

#endif  // SKEW_SERVER_STORE_DATASET_REGISTRY_H_
