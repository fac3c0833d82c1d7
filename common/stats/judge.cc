#include "common/stats/judge.h"

#include <Eigen/Dense>
#include <algorithm>
#include <cmath>
#include <functional>
#include <numeric>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "common/stats/random.h"

namespace skew::stats {
namespace {

using Matrix = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

constexpr double kLargestAmplification = 1000;  // of an observed share's error, in the sense of the 1-norm
constexpr double kPriorShape = 0.05;
constexpr int kTriesPerDraw = 20;

// The pooled rate of one particular error. Half an error more than were seen: no judge is known to be perfect.
double PooledErrorRate(const ConfusionMatrix& confusion) {
  double images = 0;
  double errors = 0.5;
  for (int i = 0; i < confusion.classes; ++i) {
    for (int j = 0; j < confusion.classes; ++j) {
      const double count = confusion.At(i, j);
      images += count;
      if (i != j) errors += count;
    }
  }
  // Never above that of guessing, or the prior would expect worse than chance.
  return std::min(errors / images / std::max(1, confusion.classes - 1), 1.0 / confusion.classes);
}

// What the calibration says of one true class.
struct Posterior {
  std::vector<double> judged;     // Dirichlet parameters, of accepted images over all classes
  std::vector<double> rejection;  // Beta parameters, rejected and accepted; empty: no image of any class was rejected

  // Rates over all classes, of all images.
  std::vector<double> Mean() const {
    const auto normalised = [](std::vector<double> parameters) {
      const double sum = std::accumulate(parameters.begin(), parameters.end(), 0.0);
      for (double& parameter : parameters) parameter /= sum;
      return parameters;
    };
    return Accepted(normalised(judged), rejection.empty() ? 0 : normalised(rejection)[0]);
  }
  std::vector<double> Draw(JudgedOn judged_on, Random& random) const {
    std::vector<double> rates =
        Accepted(random.Dirichlet(judged), rejection.empty() ? 0 : random.Dirichlet(rejection)[0]);
    return judged_on == JudgedOn::kHeldOutImages ? Decided(std::move(rates), random) : rates;
  }

  int64_t images = 0;  // of the class, rejected ones, too

 private:
  // What the rates come out as on as many images.
  std::vector<double> Decided(std::vector<double> rates, Random& random) const {
    rates.push_back(std::max(0.0, 1 - std::accumulate(rates.begin(), rates.end(), 0.0)));
    const std::vector<int64_t> counts = random.Multinomial(images, rates);
    rates.pop_back();
    for (size_t j = 0; j < rates.size(); ++j) rates[j] = static_cast<double>(counts[j]) / static_cast<double>(images);
    return rates;
  }
  static std::vector<double> Accepted(std::vector<double> rates, double rejected) {
    for (double& rate : rates) rate *= 1 - rejected;
    return rates;
  }
};

Posterior PosteriorOf(const ConfusionMatrix& confusion, int true_class) {
  const double error_rate = PooledErrorRate(confusion);
  const int k = confusion.classes;
  Posterior posterior;
  double accepted = 0;
  for (int j = 0; j < k; ++j) {
    const double prior = j == true_class ? kPriorShape / error_rate - (k - 1) * kPriorShape : kPriorShape;
    posterior.judged.push_back(prior + confusion.At(true_class, j));
    accepted += confusion.At(true_class, j);
  }
  const double unaccepted = confusion.rejected.empty() ? 0 : confusion.rejected[static_cast<size_t>(true_class)];
  posterior.images = std::max<int64_t>(1, std::llround(accepted + unaccepted));
  const double rejected = std::accumulate(confusion.rejected.begin(), confusion.rejected.end(), 0.0);
  if (rejected > 0) {
    const double pooled =
        rejected / (rejected + std::accumulate(confusion.counts.begin(), confusion.counts.end(), 0.0));
    posterior.rejection = {pooled + unaccepted, 1 - pooled + accepted};
  }
  return posterior;
}

// rows[i]: rates of job class i over all classes of the dataset.
absl::StatusOr<Correction> FromRows(absl::Span<const std::vector<double>> rows, absl::Span<const int> job_classes) {
  const size_t k = job_classes.size();
  std::vector<double> rates(k * k);
  for (size_t i = 0; i < k; ++i) {
    for (size_t j = 0; j < k; ++j) rates[j * k + i] = rows[i][static_cast<size_t>(job_classes[j])];
  }
  return Correction::Make(rates, static_cast<int>(k));
}

absl::StatusOr<Correction> Draw(absl::Span<const Posterior> posterior, absl::Span<const int> job_classes,
                                JudgedOn judged_on, Random& random) {
  absl::StatusOr<Correction> drawn = absl::InvalidArgumentError("no draw");
  // A poor judge's posterior reaches matrices that cannot be inverted; those are no guesses to correct with.
  for (int i = 0; i < kTriesPerDraw && !drawn.ok(); ++i) {
    std::vector<std::vector<double>> rows;
    for (const Posterior& of_class : posterior) rows.push_back(of_class.Draw(judged_on, random));
    drawn = FromRows(rows, job_classes);
  }
  return drawn;
}

absl::Status Check(const ConfusionMatrix& confusion, absl::Span<const int> job_classes) {
  const int k = confusion.classes;
  if (k < 1 || confusion.counts.size() != static_cast<size_t>(k) * static_cast<size_t>(k)) {
    return absl::InvalidArgumentError(
        absl::StrCat("a confusion matrix of ", k, " classes has not ", confusion.counts.size(), " entries"));
  }
  if (!confusion.rejected.empty() && confusion.rejected.size() != static_cast<size_t>(k)) {
    return absl::InvalidArgumentError(
        absl::StrCat("rejected images of ", k, " classes are not ", confusion.rejected.size(), " counts"));
  }
  const auto is_no_count = [](double count) { return !(count >= 0); };
  if (std::any_of(confusion.counts.begin(), confusion.counts.end(), is_no_count) ||
      std::any_of(confusion.rejected.begin(), confusion.rejected.end(), is_no_count)) {
    return absl::InvalidArgumentError("a confusion matrix has no negative counts");
  }
  if (job_classes.empty()) return absl::InvalidArgumentError("no classes to correct");
  for (const int label : job_classes) {
    if (label < 0 || label >= k) return absl::InvalidArgumentError(absl::StrCat("the judge knows no class ", label));
    const auto row = confusion.counts.begin() + static_cast<std::ptrdiff_t>(label) * k;
    if (std::all_of(row, row + k, [](double count) { return count == 0; })) {
      return absl::InvalidArgumentError(absl::StrCat("the judge has accepted no image of class ", label));
    }
  }
  return absl::OkStatus();
}

}  // namespace

std::vector<double> ProjectOntoSimplex(absl::Span<const double> values) {
  std::vector<double> sorted(values.begin(), values.end());
  std::sort(sorted.begin(), sorted.end(), std::greater<>());
  double sum = 0;
  double shift = 0;
  for (size_t i = 0; i < sorted.size(); ++i) {
    sum += sorted[i];
    const double candidate = (sum - 1) / static_cast<double>(i + 1);
    if (sorted[i] - candidate > 0) shift = candidate;
  }
  std::vector<double> projected;
  for (const double value : values) projected.push_back(std::max(0.0, value - shift));
  return projected;
}

absl::StatusOr<Correction> Correction::Make(absl::Span<const double> rates, int classes) {
  if (classes < 1 || rates.size() != static_cast<size_t>(classes) * static_cast<size_t>(classes)) {
    return absl::InvalidArgumentError(absl::StrCat(rates.size(), " rates are no matrix of ", classes, " classes"));
  }
  for (const double rate : rates) {
    if (!(rate >= 0 && rate <= 1)) return absl::InvalidArgumentError(absl::StrCat(rate, " is not a rate"));
  }
  const Eigen::PartialPivLU<Matrix> lu(Eigen::Map<const Matrix>(rates.data(), classes, classes));
  const Matrix inverse = lu.inverse();
  // The 1-norm of the inverse is by how much an error of the observed shares can grow.
  if (!inverse.allFinite() || inverse.cwiseAbs().colwise().sum().maxCoeff() > kLargestAmplification) {
    return absl::InvalidArgumentError("the judge cannot tell the classes apart");
  }
  return Correction({inverse.data(), inverse.data() + inverse.size()});
}

std::vector<double> Correction::Solve(absl::Span<const double> observed) const {
  const size_t k = observed.size();
  std::vector<double> solution(k, 0);
  double sum = 0;
  for (size_t i = 0; i < k; ++i) {
    for (size_t j = 0; j < k; ++j) solution[i] += inverse_[i * k + j] * observed[j];
    sum += solution[i];
  }
  // Only a judge that loses most images of one class lets the sum vanish.
  if (!(sum > 0)) return std::vector<double>(k, 1.0 / static_cast<double>(k));
  for (double& share : solution) share /= sum;
  return solution;
}

absl::StatusOr<JudgeCorrection> CorrectionOf(const ConfusionMatrix& confusion, absl::Span<const int> job_classes,
                                             int draws, uint64_t seed, JudgedOn judged_on) {
  if (const absl::Status status = Check(confusion, job_classes); !status.ok()) return status;
  std::vector<Posterior> posterior;
  std::vector<std::vector<double>> means;
  for (const int label : job_classes) {
    posterior.push_back(PosteriorOf(confusion, label));
    means.push_back(posterior.back().Mean());
  }
  absl::StatusOr<Correction> mean = FromRows(means, job_classes);
  if (!mean.ok()) return mean.status();
  JudgeCorrection correction{*std::move(mean), {}};
  Random random(seed);
  for (int i = 0; i < draws; ++i) {
    absl::StatusOr<Correction> drawn = Draw(posterior, job_classes, judged_on, random);
    if (!drawn.ok()) return drawn.status();
    correction.draws.push_back(*std::move(drawn));
  }
  return correction;
}

std::vector<double> Restrict(absl::Span<const double> matrix, int classes, absl::Span<const int> job_classes) {
  std::vector<double> part;
  for (const int i : job_classes) {
    const size_t row = static_cast<size_t>(i) * static_cast<size_t>(classes);
    for (const int j : job_classes) part.push_back(matrix[row + static_cast<size_t>(j)]);
  }
  return part;
}

std::vector<double> Restrict(absl::Span<const double> vector, absl::Span<const int> job_classes) {
  std::vector<double> part;
  for (const int i : job_classes) part.push_back(vector[static_cast<size_t>(i)]);
  return part;
}

absl::StatusOr<TwoClassAccuracy> TwoClassAccuracyOf(const ConfusionMatrix& confusion,
                                                    absl::Span<const int> job_classes) {
  if (job_classes.size() != 2) {
    return absl::InvalidArgumentError(absl::StrCat("CLEAM corrects two classes, not ", job_classes.size()));
  }
  if (const absl::Status status = Check(confusion, job_classes); !status.ok()) return status;
  const std::vector<double> counts = Restrict(confusion.counts, confusion.classes, job_classes);
  const TwoClassAccuracy accuracy{counts[0] / (counts[0] + counts[1]), counts[3] / (counts[2] + counts[3])};
  if (!(accuracy.first + accuracy.second > 1)) {
    return absl::InvalidArgumentError("the judge tells the two classes apart no better than one that guesses");
  }
  return accuracy;
}

double CleamShare(double judged, const TwoClassAccuracy& accuracy) {
  return (judged - (1 - accuracy.second)) / (accuracy.first + accuracy.second - 1);
}

MeanEstimate CleamEstimate(const MeanEstimate& judged, const TwoClassAccuracy& accuracy) {
  MeanEstimate estimate;
  estimate.mean = CleamShare(judged.mean, accuracy);
  if (judged.sd.has_value()) estimate.sd = *judged.sd / (accuracy.first + accuracy.second - 1);
  if (judged.interval.has_value()) {
    estimate.interval = {CleamShare(judged.interval->low, accuracy), CleamShare(judged.interval->high, accuracy)};
  }
  return estimate;
}

}  // namespace skew::stats
