#include "common/expansion.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <map>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "common/apportion.h"
#include "common/digest.h"

namespace skew {
namespace {

std::string FamilyName(const v1::ModelSpec& model) {
  const google::protobuf::OneofDescriptor* family = v1::ModelSpec::descriptor()->FindOneofByName("family");
  const google::protobuf::FieldDescriptor* field =
      v1::ModelSpec::GetReflection()->GetOneofFieldDescriptor(model, family);
  return field == nullptr ? "" : field->name();
}

v1::Run ClassifierRun(const v1::ClassifierSpec& spec) {
  v1::Run run;
  run.set_model("classifier");
  run.set_seed(spec.seed());
  return run;
}

int64_t CountBiasPoints(const v1::BiasSpec& bias) {
  if (bias.has_profile()) {
    const v1::ClassProfile& profile = bias.profile();
    if (profile.has_step()) return profile.step().ratios_size();
    return profile.has_exponential() ? profile.exponential().ratios_size() : 1;
  }
  return bias.has_varied() ? bias.varied().counts_size() : 1;
}

// What class k of K has of the most frequent class's images.
using Shape = std::function<double(int k, double ratio)>;

v1::BiasPoint ProfilePoint(const v1::ClassProfile& profile, double ratio, const Shape& shape) {
  v1::BiasPoint point;
  for (int k = 0; k < profile.classes_size(); ++k) {
    (*point.mutable_counts())[profile.classes(k)] =
        static_cast<int32_t>(std::lround(profile.images() * shape(k, ratio)));
  }
  return point;
}

std::vector<v1::BiasPoint> ProfilePoints(const v1::ClassProfile& profile) {
  const int classes = profile.classes_size();
  const int64_t majority =
      int64_t{classes} - (profile.step().has_minority_classes() ? profile.step().minority_classes() : classes / 2);
  const Shape balanced = [](int, double) { return 1.0; };
  const Shape step = [majority](int k, double ratio) { return k < majority ? 1.0 : 1 / ratio; };
  const Shape exponential = [classes](int k, double ratio) {
    return std::pow(ratio, -k / std::max(1.0, classes - 1.0));
  };
  std::vector<v1::BiasPoint> points;
  if (!profile.has_step() && !profile.has_exponential()) return {ProfilePoint(profile, 1, balanced)};
  for (const double ratio : profile.has_step() ? profile.step().ratios() : profile.exponential().ratios()) {
    points.push_back(ProfilePoint(profile, ratio, profile.has_step() ? step : exponential));
  }
  return points;
}

}  // namespace

uint32_t RunSeed(uint32_t job_seed, const v1::Run& run) {
  std::string cell = absl::StrCat("run seed/", job_seed, "/", run.model_index(), "/", run.iteration());
  const std::map<int32_t, int32_t> counts(run.bias_point().counts().begin(), run.bias_point().counts().end());
  for (const auto& [label, count] : counts) absl::StrAppend(&cell, "/", label, ":", count);
  uint32_t seed = 0;
  // A digest's digits always parse.
  (void)absl::SimpleHexAtoi(Sha256Hex(cell).substr(0, 8), &seed);
  return seed;
}

CellKey CellOf(const v1::Run& run) {
  return {{run.bias_point().counts().begin(), run.bias_point().counts().end()}, run.model_index()};
}

int64_t CountRuns(const v1::JobSpec& spec) {
  if (spec.has_classifier()) return 1;
  int64_t runs = 0;
  const int64_t cells = CountBiasPoints(spec.bias()) * spec.models_size();
  const bool too_many = __builtin_mul_overflow(cells, spec.has_iterations() ? spec.iterations() : 1, &runs);
  return too_many ? std::numeric_limits<int64_t>::max() : runs;
}

std::vector<std::string> ModelNames(const v1::JobSpec& spec) {
  std::vector<std::string> names;
  std::map<std::string, int> seen;
  for (const v1::ModelSpec& model : spec.models()) {
    const std::string family = FamilyName(model);
    const int count = ++seen[family];
    names.push_back(count == 1 ? family : absl::StrCat(family, "#", count));
  }
  return names;
}

std::vector<v1::BiasPoint> BiasPoints(const v1::BiasSpec& bias) {
  if (bias.has_profile()) return ProfilePoints(bias.profile());
  v1::BiasPoint fixed;
  *fixed.mutable_counts() = bias.fixed();
  if (!bias.has_varied()) return {fixed};
  std::vector<v1::BiasPoint> points;
  for (const int32_t count : bias.varied().counts()) {
    v1::BiasPoint& point = points.emplace_back(fixed);
    if (bias.has_total()) Apportion(int64_t{bias.total()} - count, *point.mutable_counts());
    (*point.mutable_counts())[bias.varied().class_()] = count;
  }
  return points;
}

std::vector<v1::Run> Expand(const v1::JobSpec& spec) {
  if (spec.has_classifier()) return {ClassifierRun(spec.classifier())};
  const std::vector<std::string> names = ModelNames(spec);
  const std::vector<v1::BiasPoint> points = BiasPoints(spec.bias());
  std::vector<v1::Run> runs;
  const int32_t iterations =
      spec.has_stop() ? std::min(spec.stop().min_iterations(), spec.iterations()) : spec.iterations();
  runs.reserve(points.size() * static_cast<size_t>(spec.models_size() * iterations));
  for (int32_t iteration = 0; iteration < iterations; ++iteration) {
    for (const v1::BiasPoint& point : points) {
      for (int32_t model = 0; model < spec.models_size(); ++model) {
        v1::Run& run = runs.emplace_back();
        run.set_model_index(model);
        run.set_model(names[static_cast<size_t>(model)]);
        *run.mutable_bias_point() = point;
        run.set_iteration(iteration);
        run.set_seed(RunSeed(spec.seed(), run));
      }
    }
  }
  return runs;
}

}  // namespace skew
