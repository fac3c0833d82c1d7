// Files that a run hands over to the daemon.
#ifndef SKEW_SERVER_TRAIN_ARTIFACTS_H_
#define SKEW_SERVER_TRAIN_ARTIFACTS_H_

#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "server/train/torch.h"
#include "server/train/worker_session.h"

namespace skew::train {

// Writes artifacts into one run's work folder and reports each as soon as it is complete; the daemon moves the file
// away. Every call: the file system's error, with the path, when the file cannot be written.
class Artifacts {
 public:
  // `session` is borrowed.
  Artifacts(std::string folder, WorkerSession* session) : folder_(std::move(folder)), session_(session) {}

  absl::Status Add(const std::string& name, const std::string& media_type, absl::string_view content);
  // Images side by side, see WriteSampleGrid.
  absl::Status AddGrid(const std::string& name, const at::Tensor& images, int columns = 8);
  // A file that is in the folder already.
  absl::Status HandOver(const std::string& name, const std::string& media_type);

  std::string PathOf(const std::string& name) const { return folder_ + "/" + name; }

 private:
  std::string folder_;
  WorkerSession* session_;
};

}  // namespace skew::train

#endif  // SKEW_SERVER_TRAIN_ARTIFACTS_H_
