#include "client/commands/study_flags.h"

#include <limits>

#include "client/commands/command.h"

namespace skew {

v1::AnalyseJobsRequest StudyFlags::Request() const {
  v1::AnalyseJobsRequest request;
  request.mutable_job_ids()->Assign(jobs.begin(), jobs.end());
  request.set_allow_different_judges(allow_different_judges);
  if (focus_class.has_value()) request.set_focus_class(*focus_class);
  return request;
}

void AddDifferentJudgesFlag(CLI::App& command, bool& allow) {
  command.add_flag("--allow-different-judges", allow, "Compare runs although different classifiers judged them");
}

void AddStudyFlags(CLI::App& command, StudyFlags& flags, const std::string& jobs_text) {
  command.add_option("JOB", flags.jobs, jobs_text)->required();
  AddDifferentJudgesFlag(command, flags.allow_different_judges);
  command
      .add_option("--focus-class", flags.focus_class,
                  "The class of claim H4. Default: class 1, or the smallest when there is none")
      ->check(WholeNumber(0, std::numeric_limits<int32_t>::max()));
}

}  // namespace skew
