#include "common/run_comparison.h"

#include <google/protobuf/util/message_differencer.h>

#include <cstdint>
#include <map>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "common/results.h"
#include "common/stats/homogeneity.h"
#include "common/status.h"

namespace skew {
namespace {

using v1::CompareRunsResponse;

// Below it, two histograms are taken for different.
constexpr double kAlpha = 0.01;

std::map<int32_t, int64_t> Counts(const v1::ClassHistogram& histogram) {
  return {histogram.counts().begin(), histogram.counts().end()};
}

std::string Classes(const v1::ClassHistogram& histogram) {
  return absl::StrJoin(Counts(histogram), ", ",
                       [](std::string* text, const auto& entry) { absl::StrAppend(text, entry.first); });
}

// Every image of the histogram in one category.
std::vector<int64_t> Categories(const v1::ClassHistogram& histogram) {
  std::vector<int64_t> counts;
  for (const auto& [label, count] : Counts(histogram)) counts.push_back(count);
  counts.push_back(histogram.rejected());
  counts.push_back(histogram.off_support());
  return counts;
}

absl::Status CheckHasResult(const v1::Run& run) {
  if (HasResult(run)) return absl::OkStatus();
  return absl::FailedPreconditionError(
      absl::StrCat("run ", run.id(), " is ", v1::RunState_Name(run.state()), " and has no final histogram to compare"));
}

absl::Status CheckAlike(const v1::Run& run, const v1::Run& other) {
  const auto differ = [&](absl::string_view what, const auto& one, const auto& another) {
    return absl::FailedPreconditionError(absl::StrCat("runs ", run.id(), " and ", other.id(),
                                                      " cannot be compared: ", what, " ", one, " and ", another));
  };
  const v1::ClassHistogram& a = run.histogram();
  const v1::ClassHistogram& b = other.histogram();
  if (Classes(a) != Classes(b)) return differ("classes", Classes(a), Classes(b));
  if (a.images() != b.images()) return differ("images", a.images(), b.images());
  if (a.classifier_digest() != b.classifier_digest()) {
    return differ("judges", a.classifier_digest(), b.classifier_digest());
  }
  return absl::OkStatus();
}

std::string NameOf(const v1::ClassHistogram& histogram) {
  return absl::StrCat(histogram.final() ? "final histogram" : "histogram", " at step ", histogram.step());
}

std::map<std::string, v1::ClassHistogram> ByName(const std::vector<v1::ClassHistogram>& histograms) {
  std::map<std::string, v1::ClassHistogram> named;
  for (const v1::ClassHistogram& histogram : histograms) {
    v1::ClassHistogram& measured = named[NameOf(histogram)];
    measured = histogram;
    measured.clear_run_id();
    if (measured.has_image_measures()) measured.mutable_image_measures()->clear_measuring_seconds();
  }
  return named;
}

std::map<std::string, std::string> ByName(const std::vector<v1::Artifact>& artifacts) {
  std::map<std::string, std::string> named;
  for (const v1::Artifact& artifact : artifacts) named[absl::StrCat("artifact ", artifact.name())] = artifact.digest();
  return named;
}

bool IsSame(const v1::ClassHistogram& a, const v1::ClassHistogram& b) {
  return google::protobuf::util::MessageDifferencer::Equals(a, b);
}
bool IsSame(const std::string& a, const std::string& b) { return a == b; }

// Names that only one of the two has, or that mean different things.
template <typename Value>
void AddDifferences(const std::map<std::string, Value>& a, const std::map<std::string, Value>& b,
                    CompareRunsResponse& response) {
  for (const auto& [name, value] : a) {
    const auto found = b.find(name);
    if (found == b.end() || !IsSame(value, found->second)) response.add_differences(name);
  }
  for (const auto& [name, value] : b) {
    if (a.count(name) == 0) response.add_differences(name);
  }
}

void AddDifferences(const RunRecord& run, const RunRecord& other, CompareRunsResponse& response) {
  if (run.run.manifest_digest() != other.run.manifest_digest()) response.add_differences("training images");
  if (run.run.precision() != other.run.precision()) {
    response.add_differences(absl::StrCat("precision: ", v1::Precision_Name(run.run.precision()), " and ",
                                          v1::Precision_Name(other.run.precision())));
  }
  AddDifferences(ByName(run.histograms), ByName(other.histograms), response);
  AddDifferences(ByName(run.artifacts), ByName(other.artifacts), response);
}

CompareRunsResponse::Verdict VerdictOf(const CompareRunsResponse& response) {
  if (response.differences().empty()) return CompareRunsResponse::BIT_EQUAL;
  return response.chi_square_p() >= kAlpha ? CompareRunsResponse::STATISTICALLY_EQUAL : CompareRunsResponse::DRIFTED;
}

}  // namespace

absl::StatusOr<CompareRunsResponse> CompareRuns(const RunRecord& run, const RunRecord& other) {
  SKEW_RETURN_IF_ERROR(CheckHasResult(run.run));
  SKEW_RETURN_IF_ERROR(CheckHasResult(other.run));
  SKEW_RETURN_IF_ERROR(CheckAlike(run.run, other.run));
  const stats::Homogeneity test =
      stats::TestHomogeneity(Categories(run.run.histogram()), Categories(other.run.histogram()));
  CompareRunsResponse response;
  response.set_run_id(run.run.id());
  response.set_other_run_id(other.run.id());
  AddDifferences(run, other, response);
  response.set_chi_square(test.chi_square);
  response.set_chi_square_p(test.chi_square_p);
  response.set_g_statistic(test.g);
  response.set_g_p(test.g_p);
  response.set_degrees(test.degrees);
  response.set_alpha(kAlpha);
  response.set_verdict(VerdictOf(response));
  return response;
}

}  // namespace skew
