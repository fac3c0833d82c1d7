// The judges of a study. The key of the first one's classifier is of its job, those of the judges beside it are in the
// table more_judges.
#ifndef SKEW_SERVER_STORE_JUDGE_ROWS_H_
#define SKEW_SERVER_STORE_JUDGE_ROWS_H_

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "common/ids.h"
#include "server/store/sqlite.h"

namespace skew {

// What the weights of a judge are called among the artifacts of its training.
inline constexpr char kClassifierArtifact[] = "classifier.pt";

// SQL: whether one of the judges of the job `j` is not trained. Not so for trainings.
inline constexpr absl::string_view kLacksJudge =
    "(j.kind = 1 AND (NOT EXISTS (SELECT 1 FROM classifiers c WHERE c.key = j.classifier_key) "
    "OR EXISTS (SELECT 1 FROM more_judges m WHERE m.job_id = j.id "
    "           AND NOT EXISTS (SELECT 1 FROM classifiers c WHERE c.key = m.classifier_key))))";

// `keys` of classifiers, in the order of the spec.
absl::Status InsertMoreJudges(Database& db, JobId job, const std::vector<std::string>& keys);

// Keys of the classifiers that judge the job's runs, the first judge's first. Empty for a training.
absl::StatusOr<std::vector<std::string>> ReadJudgeKeys(Database& db, JobId job);

// Digests of the classifiers with these keys, in this order; empty while one of them is not trained.
absl::StatusOr<std::vector<std::string>> ReadJudgeDigests(Database& db, const std::vector<std::string>& keys);

// Digests of those that judged the final images of a run, in the same order. The first is empty where there is none.
absl::StatusOr<std::vector<std::string>> ReadJudgesOfRun(Database& db, RunId run);

// Queued study runs, `limit` at most, one of whose judges is neither trained nor on its way: each with the key of that
// classifier.
absl::StatusOr<std::map<RunId, std::string>> FindOrphanedStudies(Database& db, int64_t limit);

}  // namespace skew

#endif  // SKEW_SERVER_STORE_JUDGE_ROWS_H_
