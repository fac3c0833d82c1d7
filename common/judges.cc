#include "common/judges.h"

#include <algorithm>
#include <numeric>
#include <utility>

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
  const auto& decisions = classifier.confusion();
  const auto classes = static_cast<size_t>(classifier.classes());
  for (size_t i = 0; i < sums.counts.size(); ++i) {
    const auto row = decisions.begin() + static_cast<int>(i - i % classes);
    sums.counts[i] *= std::accumulate(row, row + classifier.classes(), 0.0);
  }
  return sums;
}

template <typename Value>
std::optional<Value> Optional(absl::StatusOr<Value> value) {
  if (!value.ok()) return std::nullopt;
  return *std::move(value);
}

std::optional<JudgeCorrections> CorrectionsOf(const v1::Classifier& classifier, const std::vector<int>& labels,
                                              stats::JudgedOn judged_on) {
  absl::StatusOr<stats::JudgeCorrection> decisions =
      stats::CorrectionOf(ConfusionOf(classifier), labels, kDraws, kSeed, judged_on);
  if (!decisions.ok()) return std::nullopt;
  return JudgeCorrections{*std::move(decisions),
                          Optional(stats::CorrectionOf(PosteriorSumsOf(classifier), labels, kDraws, kSeed, judged_on)),
                          Optional(stats::TwoClassAccuracyOf(ConfusionOf(classifier), labels))};
}

}  // namespace

void SetAcceptedConfusion(double reject_below, v1::Classifier& classifier) {
  classifier.clear_accepted_confusion();
  auto first = classifier.confidences().begin();
  const int images = std::accumulate(classifier.confusion().begin(), classifier.confusion().end(), 0);
  if (classifier.confidences_size() == images) {
    for (const int count : classifier.confusion()) {
      const auto last = first + count;
      // As images are accepted: the threshold is a double.
      const auto accepted = std::lower_bound(first, last, reject_below, [](float confidence, double threshold) {
        return static_cast<double>(confidence) < threshold;
      });
      classifier.add_accepted_confusion(static_cast<int>(last - accepted));
      first = last;
    }
  }
  classifier.clear_confidences();
}

stats::ConfusionMatrix ConfusionOf(const v1::Classifier& classifier) {
  const bool rejects = classifier.accepted_confusion_size() == classifier.confusion_size();
  const auto& counts = rejects ? classifier.accepted_confusion() : classifier.confusion();
  stats::ConfusionMatrix matrix{classifier.classes(), {counts.begin(), counts.end()}, {}};
  if (!rejects) return matrix;
  const auto classes = static_cast<size_t>(classifier.classes());
  matrix.rejected.resize(classes);
  for (size_t i = 0; i < matrix.counts.size() && i / classes < classes; ++i) {
    matrix.rejected[i / classes] += classifier.confusion(static_cast<int>(i)) - matrix.counts[i];
  }
  return matrix;
}

absl::Status CheckOneJudge(const std::set<std::string>& digests) {
  if (digests.size() <= 1) return absl::OkStatus();
  return absl::FailedPreconditionError(
      absl::StrCat("the runs were judged by ", digests.size(), " different classifiers (", absl::StrJoin(digests, ", "),
                   "), whose errors differ; allow_different_judges compares them all the same"));
}

const JudgeCorrections* Judges::Find(const std::string& digest, const std::vector<int>& labels,
                                     stats::JudgedOn judged_on) {
  const auto [entry, added] = corrections_.try_emplace(Key(digest, labels, judged_on));
  std::optional<JudgeCorrections>& corrections = entry->second;
  if (added) {
    for (const v1::Classifier& classifier : classifiers_) {
      if (digest.empty() || classifier.digest() != digest) continue;
      corrections = CorrectionsOf(classifier, labels, judged_on);
      break;
    }
  }
  return corrections.has_value() ? &*corrections : nullptr;
}

}  // namespace skew
