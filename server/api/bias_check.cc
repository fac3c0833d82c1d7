#include "server/api/bias_check.h"

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/expansion.h"

namespace skew {
namespace {

void CheckClassCount(const v1::Dataset& dataset, int32_t label, int32_t count, const std::string& field,
                     SpecFindings& findings) {
  if (count < 1) {
    findings.Add(field, absl::StrCat("class ", label, ": ", count, " images; at least 1 is needed"));
    return;
  }
  const auto available = dataset.train_counts().find(label);
  if (available == dataset.train_counts().end() || available->second == 0) {
    findings.Add(field, absl::StrCat("class ", label, " is not in dataset ", dataset.name(), ", which has classes 0..",
                                     dataset.classes() - 1));
  } else if (count > available->second) {
    findings.Add(field, absl::StrCat("class ", label, ": ", count, " images asked for, ", available->second,
                                     " available in the training split of ", dataset.name()));
  }
}

void CheckVaried(const v1::BiasSpec& bias, const v1::Dataset& dataset, SpecFindings& findings) {
  const v1::VariedClass& varied = bias.varied();
  if (bias.fixed().contains(varied.class_())) {
    findings.Add("bias.varied.class",
                 absl::StrCat("class ", varied.class_(), " is in bias.fixed too; it can be in one of the two"));
  }
  if (varied.counts().empty()) findings.Add("bias.varied.counts", "empty; at least one count is needed");
  std::set<int32_t> seen;
  for (int i = 0; i < varied.counts_size(); ++i) {
    const std::string field = absl::StrCat("bias.varied.counts[", i, "]");
    CheckClassCount(dataset, varied.class_(), varied.counts(i), field, findings);
    if (!seen.insert(varied.counts(i)).second) findings.Add(field, absl::StrCat(varied.counts(i), " is there twice"));
  }
}

// A smallest bias point tells the most: one finding is enough where one number makes many counts.
bool CheckPoint(const v1::BiasPoint& point, const v1::Dataset& dataset, const std::string& field,
                SpecFindings& findings) {
  const size_t before = findings.size();
  const std::map<int32_t, int32_t> counts(point.counts().begin(), point.counts().end());
  for (const auto& [label, count] : counts) {
    CheckClassCount(dataset, label, count, field, findings);
    if (findings.size() > before) return false;
  }
  return true;
}

void CheckTotal(const v1::BiasSpec& bias, const v1::Dataset& dataset, SpecFindings& findings) {
  if (!bias.has_varied()) {
    findings.Add("bias.total", absl::StrCat(bias.total(), " without bias.varied: bias.fixed has the sizes already"));
    return;
  }
  if (bias.varied().counts_size() > kMostRuns) return;  // which CheckRunCount says
  for (const v1::BiasPoint& point : BiasPoints(bias)) {
    if (!CheckPoint(point, dataset, "bias.total", findings)) return;
  }
}

void CheckRatios(const google::protobuf::RepeatedField<double>& ratios, const std::string& field,
                 const v1::ClassProfile& profile, const v1::Dataset& dataset, SpecFindings& findings) {
  if (ratios.empty()) findings.Add(field, "empty; at least one ratio is needed");
  if (ratios.size() > kMostRuns) return;  // which CheckRunCount says
  v1::BiasSpec bias;
  *bias.mutable_profile() = profile;
  const std::vector<v1::BiasPoint> points = BiasPoints(bias);
  std::set<double> seen;
  for (int i = 0; i < ratios.size(); ++i) {
    const std::string one = absl::StrCat(field, "[", i, "]");
    findings.CheckRange(one, ratios[i], 1.0, 10'000.0);
    if (!seen.insert(ratios[i]).second) findings.Add(one, absl::StrCat(ratios[i], " is there twice"));
    if (ratios[i] >= 1) CheckPoint(points[static_cast<size_t>(i)], dataset, one, findings);
  }
}

// The images of the most frequent class must be there; those of the others follow from the shape.
void CheckProfileClasses(const v1::ClassProfile& profile, const v1::Dataset& dataset, SpecFindings& findings) {
  if (profile.classes_size() < 2) {
    findings.Add("bias.profile.classes",
                 absl::StrCat(profile.classes_size(), profile.classes_size() == 1 ? " class" : " classes",
                              "; shares need at least two"));
  }
  std::set<int32_t> seen;
  for (int i = 0; i < profile.classes_size(); ++i) {
    const std::string field = absl::StrCat("bias.profile.classes[", i, "]");
    CheckClassCount(dataset, profile.classes(i), 1, field, findings);
    if (!seen.insert(profile.classes(i)).second) {
      findings.Add(field, absl::StrCat(profile.classes(i), " is there twice"));
    }
  }
  if (profile.images() < 1) {
    findings.Add("bias.profile.images", absl::StrCat(profile.images(), "; the most frequent class needs at least 1"));
  }
}

void CheckProfile(const v1::BiasSpec& bias, const v1::Dataset& dataset, SpecFindings& findings) {
  const v1::ClassProfile& profile = bias.profile();
  if (!bias.fixed().empty() || bias.has_varied() || bias.has_total()) {
    findings.Add("bias.profile", "there beside bias.fixed, bias.varied or bias.total; it stands instead of them");
  }
  const size_t before = findings.size();
  CheckProfileClasses(profile, dataset, findings);
  if (findings.size() > before) return;  // counts of such classes would say nothing more
  switch (profile.shape_case()) {
    case v1::ClassProfile::kBalanced:
      CheckPoint(BiasPoints(bias).front(), dataset, "bias.profile.images", findings);
      break;
    case v1::ClassProfile::kStep:
      findings.CheckRange("bias.profile.step.minority_classes", profile.step().minority_classes(), 1,
                          profile.classes_size() - 1);
      CheckRatios(profile.step().ratios(), "bias.profile.step.ratios", profile, dataset, findings);
      break;
    case v1::ClassProfile::kExponential:
      CheckRatios(profile.exponential().ratios(), "bias.profile.exponential.ratios", profile, dataset, findings);
      break;
    case v1::ClassProfile::SHAPE_NOT_SET:
      findings.Add("bias.profile", "no shape; one of balanced, step, exponential is needed");
  }
}

}  // namespace

void CheckBias(const v1::BiasSpec& bias, const v1::Dataset& dataset, SpecFindings& findings) {
  if (!v1::SubsetDraw_IsValid(bias.draw())) {
    findings.Add("bias.draw", absl::StrCat(static_cast<int>(bias.draw()), " is neither PER_ITERATION nor PER_JOB"));
  }
  if (bias.has_profile()) return CheckProfile(bias, dataset, findings);
  const size_t before = findings.size();
  const std::map<int32_t, int32_t> fixed(bias.fixed().begin(), bias.fixed().end());
  for (const auto& [label, count] : fixed) {
    CheckClassCount(dataset, label, count, absl::StrCat("bias.fixed[", label, "]"), findings);
  }
  if (bias.has_varied()) CheckVaried(bias, dataset, findings);
  // Only of classes that there are: the points of a million others would take all memory.
  if (bias.has_total() && findings.size() == before) CheckTotal(bias, dataset, findings);
  const size_t classes = fixed.size() + (bias.has_varied() ? 1 : 0);
  if (classes < 2) {
    findings.Add("bias", absl::StrCat(classes, classes == 1 ? " class" : " classes",
                                      "; shares need at least two in bias.fixed and bias.varied"));
  }
}

}  // namespace skew
