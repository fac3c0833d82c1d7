// Flags of the commands that look at one study, made of one job or several.
#ifndef SKEW_CLIENT_COMMANDS_STUDY_FLAGS_H_
#define SKEW_CLIENT_COMMANDS_STUDY_FLAGS_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "CLI/CLI.hpp"
#include "skew/v1/analysis_service.pb.h"

namespace skew {

struct StudyFlags {
  std::vector<std::string> jobs;
  bool allow_different_judges = false;
  std::optional<int32_t> focus_class;

  v1::AnalyseJobsRequest Request() const;
};

// --allow-different-judges; `allow` must outlive the command.
void AddDifferentJudgesFlag(CLI::App& command, bool& allow);

// `flags` must outlive the command; `jobs_text` describes JOB.
void AddStudyFlags(CLI::App& command, StudyFlags& flags, const std::string& jobs_text);

}  // namespace skew

#endif  // SKEW_CLIENT_COMMANDS_STUDY_FLAGS_H_
