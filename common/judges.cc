#include "common/judges.h"

namespace skew {
namespace {

constexpr int kDraws = 200;
constexpr uint64_t kSeed = 1;  // the same histograms have the same intervals

}  // namespace

stats::ConfusionMatrix ConfusionOf(const v1::Classifier& classifier) {
  return {classifier.classes(), {classifier.confusion().begin(), classifier.confusion().end()}};
}

const stats::JudgeCorrection* Judges::Find(const std::string& digest, const std::vector<int>& labels) {
  const auto [entry, added] = corrections_.try_emplace({digest, labels});
  std::optional<stats::JudgeCorrection>& correction = entry->second;
  if (added) {
    for (const v1::Classifier& classifier : classifiers_) {
      if (digest.empty() || classifier.digest() != digest) continue;
      absl::StatusOr<stats::JudgeCorrection> made = stats::CorrectionOf(ConfusionOf(classifier), labels, kDraws, kSeed);
      if (made.ok()) correction = *std::move(made);
      break;
    }
  }
  return correction.has_value() ? &*correction : nullptr;
}

}  // namespace skew
