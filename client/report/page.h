// The report as one HTML page.
#ifndef SKEW_CLIENT_REPORT_PAGE_H_
#define SKEW_CLIENT_REPORT_PAGE_H_

#include <map>
#include <string>
#include <vector>

#include "client/report/figure.h"
#include "client/report/study_data.h"

namespace skew {

// A self-contained HTML5 page: no script, no address of anything outside of it, and a Content-Security-Policy that lets
// the browser load nothing. `svgs` holds gnuplot's drawing of every figure that is not missing, by its name. Pure.
std::string ReportPage(const StudyData& data, const std::vector<Figure>& figures,
                       const std::map<std::string, std::string>& svgs);

// Parts of it, of a job or of all jobs, as HTML.
std::string SummaryHtml(const StudyData& data);
std::string ClaimsHtml(const v1::AnalyseJobsResponse& analysis);
// Verdicts and effects as judged, a row for each claim that was tested and a column for each model. Empty where there
// are none, and where there are more models than a page has room for.
std::string ClaimsOverviewHtml(const v1::AnalyseJobsResponse& analysis);
std::string ResultsHtml(const v1::GetResultsResponse& results);
std::string MeasuresHtml(const v1::GetResultsResponse& results);
extern const char kMeasuresNote[];  // how to read it
// Empty where there was one judge.
std::string JudgesHtml(const v1::GetResultsResponse& results);
std::string PicturesHtml(const JobData& job);
std::string ProvenanceHtml(const StudyData& data);

// The style sheet.
extern const char kReportStyle[];

}  // namespace skew

#endif  // SKEW_CLIENT_REPORT_PAGE_H_
