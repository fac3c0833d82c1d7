#include "server/store/histogram_list.h"

#include <string>
#include <utility>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "common/ids.h"
#include "common/status.h"
#include "server/store/job_rows.h"
#include "server/store/page_size.h"

namespace skew {
namespace {

// The run, whether it is the final one, and the step.
std::string PageToken(const v1::ClassHistogram& last) {
  return absl::StrCat(last.run_id(), "-", last.final() ? 1 : 0, "-", last.step());
}

absl::StatusOr<HistogramPosition> ParsePageToken(JobId job, const std::string& token) {
  HistogramPosition position;
  if (token.empty()) return position;
  const std::vector<std::string> parts = absl::StrSplit(token, '-');
  int final = 0;
  if (parts.size() == 3 && absl::SimpleAtoi(parts[1], &final) && absl::SimpleAtoi(parts[2], &position.step)) {
    const absl::StatusOr<RunId> run = RunId::Parse(parts[0]);
    position.final = final != 0;
    position.run_number = run.ok() ? run->number : 0;
    if (run.ok() && run->job == job) return position;
  }
  return InvalidField("page_token", absl::StrCat("'", token,
                                                 "' is not a page of this list; take next_page_token of "
                                                 "the page before, of the same job"));
}

}  // namespace

absl::StatusOr<v1::ListHistogramsResponse> ListHistograms(Database& db, const v1::ListHistogramsRequest& request) {
  SKEW_ASSIGN_OR_RETURN(const JobId job, JobId::Parse(request.job_id()));
  SKEW_ASSIGN_OR_RETURN(const int limit, PageSize(request.page_size(), 1000));
  SKEW_ASSIGN_OR_RETURN(const HistogramPosition after, ParsePageToken(job, request.page_token()));
  SKEW_ASSIGN_OR_RETURN(std::vector<v1::ClassHistogram> histograms, ReadHistograms(db, job, after, limit + 1));
  v1::ListHistogramsResponse response;
  if (static_cast<int>(histograms.size()) > limit) {
    histograms.pop_back();
    response.set_next_page_token(PageToken(histograms.back()));
  }
  for (v1::ClassHistogram& histogram : histograms) *response.add_histograms() = std::move(histogram);
  return response;
}

}  // namespace skew
