#include "common/image_measure_results.h"

#include <algorithm>
#include <cstdint>
#include <map>
#include <string>
#include <utility>

#include "common/results.h"

namespace skew {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;

// The values of the runs by class (-1: of all images) and place in the order of the fields.
struct Measure {
  std::string name;
  std::vector<double> values;
};
using Measures = std::map<std::pair<int32_t, int>, Measure>;

constexpr int32_t kAllImages = -1;

bool IsMeasure(const FieldDescriptor& field) {
  return field.has_presence() &&
         (field.cpp_type() == FieldDescriptor::CPPTYPE_DOUBLE || field.cpp_type() == FieldDescriptor::CPPTYPE_INT64);
}

double ValueOf(const Message& message, const FieldDescriptor& field) {
  const google::protobuf::Reflection& reflection = *message.GetReflection();
  return field.cpp_type() == FieldDescriptor::CPPTYPE_DOUBLE
             ? reflection.GetDouble(message, &field)
             : static_cast<double>(reflection.GetInt64(message, &field));
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
  std::vector<v1::MeasureResult> results;
  results.reserve(measures.size());
  for (const auto& [key, measure] : measures) {
    v1::MeasureResult& result = results.emplace_back();
    result.set_measure(measure.name);
    if (key.first != kAllImages) result.set_class_(key.first);
    *result.mutable_estimate() = EstimateOf(measure.values);
    result.set_runs(static_cast<int32_t>(measure.values.size()));
  }
  return results;
}

}  // namespace skew
