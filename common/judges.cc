#include "common/judges.h"

#include <numeric>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace skew {
namespace {

constexpr int kDraws = 200;
constexpr uint64_t kSeed = 1;  // the same histograms have the same intervals

// Sums of softmax outputs over the calibration half, which the mean posteriors are the means of. Empty without them.
stats::ConfusionMatrix PosteriorSumsOf(const v1::Classifier& classifier) {
  if (classifier.mean_posteriors_size() != classifier.confusion_size()) return {};
  stats::ConfusionMatrix sums{classifier.classes(),
                              {classifier.mean_posteriors().begin(), classifier.mean_posteriors().end()}};
  const std::vector<double> decisions = ConfusionOf(classifier).counts;
  const auto classes = static_cast<size_t>(classifier.classes());
  for (size_t i = 0; i < sums.counts.size(); ++i) {
    const auto row = decisions.begin() + static_cast<std::ptrdiff_t>(i - i % classes);
    sums.counts[i] *= std::accumulate(row, row + classifier.classes(), 0.0);
  }
  return sums;
}

template <typename Value>
std::optional<Value> Optional(absl::StatusOr<Value> value) {
  if (!value.ok()) return std::nullopt;
  return *std::move(value);
}

std::optional<JudgeCorrections> CorrectionsOf(const v1::Classifier& classifier, const std::vector<int>& labels) {
  absl::StatusOr<stats::JudgeCorrection> decisions =
      stats::CorrectionOf(ConfusionOf(classifier), labels, kDraws, kSeed);
  if (!decisions.ok()) return std::nullopt;
  return JudgeCorrections{*std::move(decisions),
                          Optional(stats::CorrectionOf(PosteriorSumsOf(classifier), labels, kDraws, kSeed)),
                          Optional(stats::TwoClassAccuracyOf(ConfusionOf(classifier), labels))};
}

}  // namespace

stats::ConfusionMatrix ConfusionOf(const v1::Classifier& classifier) {
  return {classifier.classes(), {classifier.confusion().begin(), classifier.confusion().end()}};
}

absl::Status CheckOneJudge(const std::set<std::string>& digests) {
  if (digests.size() <= 1) return absl::OkStatus();
  return absl::FailedPreconditionError(
      absl::StrCat("the runs were judged by ", digests.size(), " different classifiers (", absl::StrJoin(digests, ", "),
                   "), whose errors differ; allow_different_judges compares them all the same"));
}

const JudgeCorrections* Judges::Find(const std::string& digest, const std::vector<int>& labels) {
  const auto [entry, added] = corrections_.try_emplace({digest, labels});
  std::optional<JudgeCorrections>& corrections = entry->second;
  if (added) {
    for (const v1::Classifier& classifier : classifiers_) {
      if (digest.empty() || classifier.digest() != digest) continue;
      corrections = CorrectionsOf(classifier, labels);
      break;
    }
  }
  return corrections.has_value() ? &*corrections : nullptr;
}

}  // namespace skew
