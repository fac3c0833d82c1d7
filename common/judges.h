// The stored judges as corrections.
#ifndef SKEW_COMMON_JUDGES_H_
#define SKEW_COMMON_JUDGES_H_

#include <map>
#include <optional>
#include <set>
#include <string>
#include <tuple>
#include <vector>

#include "absl/status/status.h"
#include "absl/types/span.h"
#include "common/stats/judge.h"
#include "skew/v1/run.pb.h"

namespace skew {

// Makes of a stored classifier what an answer about a job shows: `accepted_confusion` for the job's threshold, and no
// `confidences`.
void SetAcceptedConfusion(double reject_below, v1::Classifier& classifier);

// Confusion counts of the calibration half of the test split, with its rejected images where they are known.
stats::ConfusionMatrix ConfusionOf(const v1::Classifier& classifier);

// What one judge's readings are corrected with.
struct JudgeCorrections {
  stats::JudgeCorrection decisions;
  std::optional<stats::JudgeCorrection> posteriors;  // PACC's; absent for a judge without mean posteriors
  std::optional<stats::TwoClassAccuracy> accuracy;   // CLEAM's, of two classes
};

// FAILED_PRECONDITION when there are several of `digests` (of the judges of runs that are to be compared).
absl::Status CheckOneJudge(const std::set<std::string>& digests);

// Makes each correction once. Thread-compatible.
class Judges {
 public:
  // Borrowed.
  explicit Judges(absl::Span<const v1::Classifier> classifiers) : classifiers_(classifiers) {}

  // For the classes (ascending) of a job and what it judges (kHeldOutImages: those of a model that trains nothing);
  // owned by this. Null when there is no judge with this digest, or it cannot be corrected for.
  const JudgeCorrections* Find(const std::string& digest, const std::vector<int>& labels, stats::JudgedOn judged_on);

 private:
  using Key = std::tuple<std::string, std::vector<int>, stats::JudgedOn>;

  absl::Span<const v1::Classifier> classifiers_;
  std::map<Key, std::optional<JudgeCorrections>> corrections_;
};

}  // namespace skew

#endif  // SKEW_COMMON_JUDGES_H_
