// Means over runs: the run is the unit of inference, never the image.
#ifndef SKEW_COMMON_STATS_STUDENT_H_
#define SKEW_COMMON_STATS_STUDENT_H_

#include <cstddef>
#include <optional>
#include <utility>
#include <vector>

#include "absl/types/span.h"
#include "common/stats/interval.h"

namespace skew::stats {

// Of at least one value.
double Mean(absl::Span<const double> values);
// With n - 1; of at least two values. Exactly 0 where all are equal.
double Variance(absl::Span<const double> values);

// Sums over pairs, of deviations from the means: of x squared, of x times y, of y squared.
struct PairSums {
  double mean_x = 0;
  double mean_y = 0;
  double xx = 0;
  double xy = 0;
  double yy = 0;
};

// At least one pair; as many of x as of y.
PairSums SumPairs(absl::Span<const double> x, absl::Span<const double> y);

// A mean, and from two values on their standard deviation (n - 1) and the 95% interval of the mean.
struct MeanEstimate {
  double mean = 0;
  std::optional<double> sd;
  std::optional<Interval> interval;
};

// Half the width of the 95% t interval of the mean of `n` values (at least two) with this standard deviation.
double HalfWidth(double sd, size_t n);

// With the Student t interval, not clamped. At least one value.
MeanEstimate EstimateMean(absl::Span<const double> values);

// What is known of a mean over runs: a Student distribution, or an even mixture of several when something else is
// uncertain, too. Each component is the mean's distribution given one guess of that (here: of the judge's confusion
// matrix), so the mixture holds both uncertainties (a parametric bootstrap; JCGM 101:2008 propagates uncertainty so).
// With one component everything below is the textbook's t interval, t test and equivalence test.
class StudentMixture {
 public:
  struct Component {
    double location = 0;
    double scale = 0;  // standard error; 0 is a point mass
  };

  // At least one component; degrees of freedom at least 1.
  StudentMixture(std::vector<Component> components, double degrees)
      : components_(std::move(components)), degrees_(degrees) {}

  // The mean of each of `samples` (all of one size, at least 2), one component each.
  static StudentMixture OfMeans(absl::Span<const std::vector<double>> samples);

  double Location() const;  // mean of the locations
  // Variance of the locations, which more runs do not lower: what the judge leaves uncertain.
  double LocationVariance() const;
  double MeanScale() const;  // root mean square
  double degrees() const { return degrees_; }

  double Cdf(double x) const;
  double Quantile(double p) const;
  Interval CentralInterval(double confidence = 0.95) const;
  // p-value of "the mean is `null`" against "it is not".
  double TwoSidedP(double null) const;
  // p-value of "the mean is outside (low, high)" by two one-sided tests (Schuirmann 1987): small means equivalent.
  double EquivalenceP(const Interval& range) const;

 private:
  double CdfForQuantile(double x) const;

  std::vector<Component> components_;
  double degrees_;
};

}  // namespace skew::stats

#endif  // SKEW_COMMON_STATS_STUDENT_H_
