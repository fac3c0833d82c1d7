// Files that a run hands over to the daemon.
#ifndef SKEW_SERVER_TRAIN_ARTIFACTS_H_
#define SKEW_SERVER_TRAIN_ARTIFACTS_H_

#include <string>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "server/train/stop_request.h"
#include "server/train/torch.h"
#include "server/train/worker_session.h"

namespace skew::train {

// Writes artifacts into one run's work folder and reports each as soon as it is complete; the daemon moves the file
// away. While the disk is full, every call waits for room; when the run is to stop meanwhile, it gives the artifact up
// and returns OK. Other errors of the file system come back with the path.
class Artifacts {
 public:
  // `session` and `stop` are borrowed.
  Artifacts(std::string folder, WorkerSession* session, const StopRequest* stop)
      : folder_(std::move(folder)), session_(session), stop_(stop) {}

  absl::Status Add(const std::string& name, const std::string& media_type, absl::string_view content);
  // Images side by side, see WriteSampleGrid.
  absl::Status AddGrid(const std::string& name, const at::Tensor& images, int columns = 8);
  // A file that `write` puts at the path it gets; repeated while it is RESOURCE_EXHAUSTED.
  absl::Status AddFile(const std::string& name, const std::string& media_type,
                       absl::FunctionRef<absl::Status(const std::string& path)> write);

 private:
  absl::Status HandOver(const std::string& path, const std::string& name, const std::string& media_type);

  std::string folder_;
  WorkerSession* session_;
  const StopRequest* stop_;
};

}  // namespace skew::train

#endif  // SKEW_SERVER_TRAIN_ARTIFACTS_H_
