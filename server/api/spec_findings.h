// What the parts of the check of a specification find.
#ifndef SKEW_SERVER_API_SPEC_FINDINGS_H_
#define SKEW_SERVER_API_SPEC_FINDINGS_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "skew/v1/error.pb.h"

namespace skew {

// Runs of a job.
inline constexpr int64_t kMostRuns = 100'000;

// Collects what is wrong.
class SpecFindings {
 public:
  void Add(std::string field, std::string description) {
    v1::FieldViolation& violation = violations_.emplace_back();
    violation.set_field(std::move(field));
    violation.set_description(std::move(description));
  }

  template <typename T>
  void CheckRange(const std::string& field, T value, T low, T high) {
    if (!(value >= low && value <= high)) Add(field, absl::StrCat(value, " is not in ", low, "..", high));
  }

  // For learning rates: above zero, at most one.
  void CheckRate(const std::string& field, double value) {
    if (!(value > 0 && value <= 1)) Add(field, absl::StrCat(value, " is not above 0 and at most 1"));
  }

  size_t size() const { return violations_.size(); }

  std::vector<v1::FieldViolation> Take() { return std::move(violations_); }

 private:
  std::vector<v1::FieldViolation> violations_;
};

}  // namespace skew

#endif  // SKEW_SERVER_API_SPEC_FINDINGS_H_
