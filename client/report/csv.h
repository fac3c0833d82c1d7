// The numbers of a report as files.
#ifndef SKEW_CLIENT_REPORT_CSV_H_
#define SKEW_CLIENT_REPORT_CSV_H_

#include <map>
#include <string>
#include <vector>

#include "client/report/figure.h"
#include "client/report/study_data.h"

namespace skew {

// "study-j2.yaml"
std::string SpecFileName(const v1::Job& job);

// Content by file name: of every job its results ("results-j2.csv"), runs ("runs-j2.csv": seeds, digests, counts and
// shares with their intervals, a line per run and class) and specification ("study-j2.yaml"); "claims.csv"; and every
// figure's numbers ("counts-dcgan.csv").
std::map<std::string, std::string> ReportFiles(const StudyData& data, const std::vector<Figure>& figures);

}  // namespace skew

#endif  // SKEW_CLIENT_REPORT_CSV_H_
