#include "tests/common/stats/simulation.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <numeric>
#include <utility>

#include "absl/types/span.h"
#include "common/stats/amplification.h"

namespace skew::stats {
namespace {

constexpr int kJudgeClasses = 10;
constexpr int64_t kCalibrationImages = 500;

// Test confusion counts (entry [true * 10 + judged]) of the classifier that skewd trains for MNIST with default
// settings: `skewctl classifiers -o json`, version 0.1, CPU with AVX-512, 99.45% right.
constexpr int kMeasured[kJudgeClasses * kJudgeClasses] = {978, 0,    0,    0,    0,   0,   1,   1,    0,   0,  //
                                                          1,   1130, 2,    0,    0,   0,   0,   2,    0,   0,  //
                                                          0,   1,    1029, 0,    0,   0,   0,   1,    0,   1,  //
                                                          0,   0,    0,    1005, 0,   4,   0,   0,    1,   0,  //
                                                          0,   0,    0,    0,    978, 0,   0,   0,    0,   4,  //
                                                          1,   0,    0,    4,    0,   885, 1,   0,    0,   1,  //
                                                          0,   1,    0,    0,    0,   0,   955, 0,    2,   0,  //
                                                          0,   2,    3,    2,    1,   0,   0,   1018, 1,   1,  //
                                                          0,   0,    2,    1,    0,   0,   0,   0,    970, 1,  //
                                                          0,   0,    0,    1,    6,   3,   0,   2,    0,   997};

void Calibrate(SimulatedJudge& judge, Random& random) {
  const auto row_of = [](const std::vector<double>& rates, std::ptrdiff_t truth) {
    return absl::MakeConstSpan(rates).subspan(static_cast<size_t>(truth * kJudgeClasses), kJudgeClasses);
  };
  judge.confusion = {kJudgeClasses, {}, {}};
  judge.decisions = judge.confusion;
  for (std::ptrdiff_t i = 0; i < kJudgeClasses; ++i) {
    const absl::Span<const double> accepted = row_of(judge.rates, i);
    std::vector<double> rates(accepted.begin(), accepted.end());
    rates.resize(size_t{2} * kJudgeClasses, 0);
    if (!judge.rejected.empty()) {
      const absl::Span<const double> rejected = row_of(judge.rejected, i);
      std::copy(rejected.begin(), rejected.end(), rates.begin() + kJudgeClasses);
    }
    const std::vector<int64_t> counts = random.Multinomial(kCalibrationImages, rates);
    for (size_t j = 0; j < kJudgeClasses; ++j) {
      judge.confusion.counts.push_back(static_cast<double>(counts[j]));
      judge.decisions.counts.push_back(static_cast<double>(counts[j] + counts[kJudgeClasses + j]));
    }
    if (judge.rejected.empty()) continue;
    judge.confusion.rejected.push_back(
        static_cast<double>(std::accumulate(counts.begin() + kJudgeClasses, counts.end(), int64_t{0})));
  }
}

// With the classes in this order.
SimulatedJudge MeasuredJudge(const std::vector<int>& order, Random& random) {
  SimulatedJudge judge;
  for (const int truth : order) {
    const int* const row = kMeasured + static_cast<std::ptrdiff_t>(truth) * kJudgeClasses;
    const int images = std::accumulate(row, row + kJudgeClasses, 0);
    for (const int judged : order) judge.rates.push_back(static_cast<double>(row[judged]) / images);
  }
  Calibrate(judge, random);
  return judge;
}

}  // namespace

SimulatedJudge PerfectJudge() {
  SimulatedJudge judge;
  for (int i = 0; i < kJudgeClasses * kJudgeClasses; ++i) judge.rates.push_back(i % (kJudgeClasses + 1) == 0 ? 1 : 0);
  Random random(0);
  Calibrate(judge, random);
  return judge;
}

SimulatedJudge RealisticJudge(Random& random) {
  SimulatedJudge judge;
  for (int i = 0; i < kJudgeClasses; ++i) {
    const double errors = 0.002 + 0.006 * random.Uniform();
    const std::vector<double> spread = random.Dirichlet(std::vector<double>(kJudgeClasses - 1, 0.5));
    for (int j = 0; j < kJudgeClasses; ++j) {
      judge.rates.push_back(i == j ? 1 - errors : errors * spread[static_cast<size_t>(j < i ? j : j - 1)]);
    }
  }
  Calibrate(judge, random);
  return judge;
}

SimulatedJudge RejectingJudge(Random& random) {
  SimulatedJudge judge;
  for (int i = 0; i < kJudgeClasses; ++i) {
    const double errors = 0.03 + 0.17 * random.Uniform();
    const double doubts = 0.06 * random.Uniform();
    const std::vector<double> spread = random.Dirichlet(std::vector<double>(kJudgeClasses - 1, 0.5));
    for (int j = 0; j < kJudgeClasses; ++j) {
      const double decided = i == j ? 1 - errors : errors * spread[static_cast<size_t>(j < i ? j : j - 1)];
      const double rejected = decided * (i == j ? doubts : 2.0 / 3);
      judge.rates.push_back(decided - rejected);
      judge.rejected.push_back(rejected);
    }
  }
  Calibrate(judge, random);
  return judge;
}

SimulatedJudge MeasuredJudge(Random& random) {
  std::vector<int> order(kJudgeClasses);
  std::iota(order.begin(), order.end(), 0);
  return MeasuredJudge(order, random);
}

SimulatedJudge MeasuredJudgeOf(const std::vector<int>& classes, Random& random) {
  std::vector<int> order = classes;
  for (int label = 0; label < kJudgeClasses; ++label) {
    if (std::find(classes.begin(), classes.end(), label) == classes.end()) order.push_back(label);
  }
  return MeasuredJudge(order, random);
}

SimulatedJudge ShuffledMeasuredJudge(Random& random) {
  std::vector<int> order(kJudgeClasses);
  std::iota(order.begin(), order.end(), 0);
  for (size_t i = order.size(); i > 1; --i) std::swap(order[i - 1], order[random.Below(i)]);
  return MeasuredJudge(order, random);
}

std::vector<int64_t> JudgedCounts(const std::vector<double>& shares, int64_t images, const SimulatedJudge& judge,
                                  Random& random) {
  std::vector<double> judged(kJudgeClasses, 0);
  for (size_t i = 0; i < kClasses; ++i) {
    for (size_t j = 0; j < kJudgeClasses; ++j) judged[j] += shares[i] * judge.rates[i * kJudgeClasses + j];
  }
  if (!judge.rejected.empty()) judged.push_back(std::max(0.0, 1 - std::accumulate(judged.begin(), judged.end(), 0.0)));
  std::vector<int64_t> counts = random.Multinomial(images, judged);
  counts.resize(kClasses);
  return counts;
}

void AddRuns(const Generator& generator, int iterations, int64_t images, const SimulatedJudge& judge, int judge_index,
             Random& random, Study& study) {
  for (int iteration = 0; iteration < iterations; ++iteration) {
    const double shared = generator.shared > 0 ? generator.shared * random.Normal() : 0;
    for (const int64_t varied : kVariedCounts) {
      StudyRun run;
      run.arm = generator.arm;
      run.family = generator.family;
      run.job = "j1";
      run.iteration = iteration;
      run.images = std::to_string(varied) + "/" + std::to_string(iteration);
      run.seed = static_cast<uint32_t>(iteration);
      run.judge = judge_index;
      run.trained = {{0, kFixedCount}, {1, varied}, {2, kFixedCount}};
      const double pi = static_cast<double>(varied) / static_cast<double>(varied + 2 * kFixedCount);
      const double noise = generator.rho > 0 ? std::sqrt(generator.rho / (pi * (1 - pi))) : generator.noise;
      const double logit = generator.beta * Logit(pi) + generator.offset + noise * random.Normal() + shared;
      const double share = 1 / (1 + std::exp(-logit));
      const std::vector<int64_t> counts =
          JudgedCounts({(1 - share) / 2, share, (1 - share) / 2}, images, judge, random);
      for (int label = 0; label < kClasses; ++label) run.counts[label] = counts[static_cast<size_t>(label)];
      study.runs.push_back(std::move(run));
    }
  }
}

Study SimulateStudy(const Generator& generator, int iterations, int64_t images, const SimulatedJudge& judge,
                    Random& random) {
  Study study;
  study.judges.push_back(judge.confusion);
  AddRuns(generator, iterations, images, judge, 0, random, study);
  return study;
}

Finding FindingOf(const std::vector<Finding>& findings, const std::string& claim, const std::string& part) {
  for (const Finding& finding : findings) {
    if (finding.claim == claim && (part.empty() || finding.part == part)) return finding;
  }
  ADD_FAILURE() << "no finding of " << claim << " " << part;
  return {};
}

}  // namespace skew::stats
