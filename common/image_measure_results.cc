#include "common/image_measure_results.h"

#include <cmath>
#include <cstdint>
#include <map>
#include <string>
#include <utility>

#include "absl/strings/match.h"
#include "common/results.h"
#include "common/stats/neighbours.h"

namespace skew {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;

// By class (-1: of all images) and place in the order of the fields.
using Place = std::pair<int32_t, int>;

// The values of the runs.
struct Measure {
  std::string name;
  std::vector<double> values;
};
using Measures = std::map<Place, Measure>;

constexpr int32_t kAllImages = -1;

// Means over the runs make sense of it: of support, which is unbounded in some of them, they do not.
bool IsMeasure(const FieldDescriptor& field) {
  switch (field.cpp_type()) {
    case FieldDescriptor::CPPTYPE_DOUBLE:
    case FieldDescriptor::CPPTYPE_INT64:
      return field.has_presence() && !absl::StartsWith(field.name(), "support");
    case FieldDescriptor::CPPTYPE_INT32:
      return !field.is_repeated();  // numbers of images
    default:
      return false;
  }
}

double ValueOf(const Message& message, const FieldDescriptor& field) {
  const google::protobuf::Reflection& reflection = *message.GetReflection();
  switch (field.cpp_type()) {
    case FieldDescriptor::CPPTYPE_DOUBLE:
      return reflection.GetDouble(message, &field);
    case FieldDescriptor::CPPTYPE_INT64:
      return static_cast<double>(reflection.GetInt64(message, &field));
    default:
      return reflection.GetInt32(message, &field);
  }
}

// `first` keeps the measures of several messages apart.
void Collect(const Message& message, int32_t label, int first, Measures& measures) {
  std::vector<const FieldDescriptor*> fields;
  message.GetReflection()->ListFields(message, &fields);
  for (const FieldDescriptor* field : fields) {
    if (!IsMeasure(*field)) continue;
    Measure& measure = measures[{label, first + field->number()}];
    measure.name = field->name();
    measure.values.push_back(ValueOf(message, *field));
  }
}

// Pairs of images of the runs that have their near ones.
struct Pairs {
  int32_t runs = 0;
  int64_t near_pairs = 0;
  double all = 0;
};

std::map<int32_t, Pairs> PairsOf(absl::Span<const v1::Run* const> runs) {
  std::map<int32_t, Pairs> pairs;
  for (const v1::Run* run : runs) {
    for (const auto& [label, measures] : run->histogram().image_measures().classes()) {
      if (!measures.has_near_pairs() || measures.images() < 2) continue;
      Pairs& of_class = pairs[label];
      ++of_class.runs;
      of_class.near_pairs += measures.near_pairs();
      of_class.all += 0.5 * measures.images() * (measures.images() - 1.0);
    }
  }
  return pairs;
}

using Results = std::map<Place, v1::MeasureResult>;

void AddResult(int32_t label, int place, const std::string& name, const v1::Estimate& estimate, int32_t runs,
               Results& results) {
  v1::MeasureResult& result = results[{label, place}];
  result.set_measure(name);
  if (label != kAllImages) result.set_class_(label);
  *result.mutable_estimate() = estimate;
  result.set_runs(runs);
}

void AddSupport(int32_t label, const Pairs& pairs, Results& results) {
  const stats::SupportEstimate support = stats::SupportOf(pairs.near_pairs, pairs.all);
  const std::pair<int, double> values[] = {{v1::SampleMeasures::kSupportFieldNumber, support.support},
                                           {v1::SampleMeasures::kSupportLowFieldNumber, support.interval.low},
                                           {v1::SampleMeasures::kSupportHighFieldNumber, support.interval.high}};
  for (const auto& [field, value] : values) {
    if (!std::isfinite(value)) continue;
    v1::Estimate estimate;
    estimate.set_mean(value);
    const std::string& name = v1::SampleMeasures::descriptor()->FindFieldByNumber(field)->name();
    AddResult(label, field, name, estimate, pairs.runs, results);
  }
}

}  // namespace

std::vector<v1::MeasureResult> MeasureResultsOf(absl::Span<const v1::Run* const> runs) {
  constexpr int kAfterSampleMeasures = 1000;
  Measures measures;
  for (const v1::Run* run : runs) {
    const v1::ImageMeasures& of_run = run->histogram().image_measures();
    Collect(of_run.all(), kAllImages, 0, measures);
    Collect(of_run, kAllImages, kAfterSampleMeasures, measures);
    for (const auto& [label, of_class] : of_run.classes()) Collect(of_class, label, 0, measures);
  }
  Results results;
  for (const auto& [place, measure] : measures) {
    AddResult(place.first, place.second, measure.name, EstimateOf(measure.values),
              static_cast<int32_t>(measure.values.size()), results);
  }
  for (const auto& [label, pairs] : PairsOf(runs)) AddSupport(label, pairs, results);
  std::vector<v1::MeasureResult> list;
  list.reserve(results.size());
  for (auto& [place, result] : results) list.push_back(std::move(result));
  return list;
}

}  // namespace skew
