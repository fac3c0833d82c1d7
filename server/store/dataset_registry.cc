#include "server/store/dataset_registry.h"

#include <algorithm>
#include <filesystem>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "common/data/dataset.h"
#include "common/file.h"
#include "common/status.h"

namespace skew {
namespace {

namespace fs = std::filesystem;

// Changes when a file is added, removed or written.
std::string StampOf(const std::string& folder) {
  std::vector<std::string> files;
  std::error_code error;
  for (const fs::directory_entry& entry : fs::directory_iterator(folder, error)) {
    files.push_back(absl::StrCat(entry.path().filename().string(), ":", entry.file_size(error), ":",
                                 entry.last_write_time(error).time_since_epoch().count()));
  }
  std::sort(files.begin(), files.end());
  return absl::StrJoin(files, "\n");
}

absl::StatusOr<v1::Dataset> Describe(absl::string_view name, const std::string& folder) {
  const absl::StatusOr<DatasetContent> content = ReadDataset(folder);
  SKEW_RETURN_IF_ERROR(content.status());
  return DescribeDataset(name, content);
}

}  // namespace

absl::StatusOr<std::vector<std::string>> DatasetRegistry::Names() const {
  std::vector<std::string> names;
  std::error_code error;
  const fs::directory_iterator entries(folder_, error);
  if (error && error != std::errc::no_such_file_or_directory) {
    return SystemError(error.value(), absl::StrCat("cannot read ", folder_));
  }
  for (const fs::directory_entry& entry : entries) {
    std::string name = entry.path().filename().string();
    const bool hidden = name.front() == '.';  // something that is being put there
    if (!hidden && entry.is_directory(error)) names.push_back(std::move(name));
  }
  std::sort(names.begin(), names.end());
  return names;
}

std::string DatasetRegistry::FolderOf(absl::string_view name) const { return absl::StrCat(folder_, "/", name); }

absl::StatusOr<v1::Dataset> DatasetRegistry::Find(absl::string_view name) {
  SKEW_ASSIGN_OR_RETURN(const std::vector<std::string> names, Names());
  if (std::find(names.begin(), names.end(), name) == names.end()) {
    return absl::NotFoundError(absl::StrCat(
        "there is no dataset '", name, "'; ",
        names.empty() ? absl::StrCat(folder_, " has none") : absl::StrCat("known: ", absl::StrJoin(names, ", "))));
  }
  const std::string stamp = StampOf(FolderOf(name));
  // Held while the files are read: the second to ask for a dataset waits for the first instead of reading it too.
  absl::MutexLock lock(&mutex_);
  const auto found = entries_.find(name);
  if (found != entries_.end() && found->second.stamp == stamp) return found->second.dataset;
  Entry entry{stamp, Describe(name, FolderOf(name))};
  if (absl::IsUnavailable(entry.dataset.status())) return entry.dataset;  // it may pass
  return entries_.insert_or_assign(std::string(name), std::move(entry)).first->second.dataset;
}

std::vector<v1::Dataset> DatasetRegistry::List() {
  std::vector<v1::Dataset> datasets;
  for (const std::string& name : Names().value_or(std::vector<std::string>())) {
    const absl::StatusOr<v1::Dataset> dataset = Find(name);
    datasets.push_back(dataset.ok() ? *dataset : DescribeDataset(name, dataset.status()));
  }
  return datasets;
}

}  // namespace skew
