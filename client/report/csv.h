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

// Content by file name, every number of the results in at least one of them:
//   results-j2.csv       the table of `skewctl results`: a line per cell and class
//   estimates-j2.csv     every mean with its sd and interval, a line each: shares, Delta, divergences, rejected, ...
//   measures-j2.csv      the measures of images of every cell
//   judges-j2.csv        what each of several judges says, and judged-runs-j2.csv of which run; only where there are
//   runs-j2.csv          seeds, digests, counts and shares with their intervals, goodness of fit: a line per run and
//                        class
//   run-measures-j2.csv  the measures of images of every run
//   run-classes-j2.csv   what every judge made of every run's images, by class of the dataset, and its mean outputs
//   confusion-j2.csv     what the judges make of real images, and accept of them: shares are corrected with that
//   study-j2.yaml        the specification
//   claims.csv           of all jobs together
//   counts-dcgan.csv     the numbers of each figure, and
//   forming-dcgan.csv    also those of runs and steps that have too few accepted images for a point of the picture:
//                        "drawn" is 1 where a share is part of a point, "accepted_of_all_classes" what it is a share of
std::map<std::string, std::string> ReportFiles(const StudyData& data, const std::vector<Figure>& figures);

}  // namespace skew

#endif  // SKEW_CLIENT_REPORT_CSV_H_
