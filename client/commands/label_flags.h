// --label KEY=VALUE of the commands that look at several jobs.
#ifndef SKEW_CLIENT_COMMANDS_LABEL_FLAGS_H_
#define SKEW_CLIENT_COMMANDS_LABEL_FLAGS_H_

#include <string>
#include <vector>

#include "CLI/CLI.hpp"
#include "absl/status/status.h"
#include "skew/v1/job_service.pb.h"

namespace skew {

// `labels` must outlive the command.
void AddLabelFlag(CLI::App& command, std::vector<std::string>& labels);

// INVALID_ARGUMENT for what is not KEY=VALUE.
absl::Status ReadLabels(const std::vector<std::string>& labels, v1::JobFilter& filter);

}  // namespace skew

#endif  // SKEW_CLIENT_COMMANDS_LABEL_FLAGS_H_
