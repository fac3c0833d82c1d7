// Studies with a known truth: generators that are as biased as we say, seen through a judge that errs as we say.
#ifndef SKEW_TESTS_COMMON_STATS_SIMULATION_H_
#define SKEW_TESTS_COMMON_STATS_SIMULATION_H_

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "common/stats/claims.h"
#include "common/stats/judge.h"
#include "common/stats/random.h"

namespace skew::stats {

// The published study's bias points: classes 0, 1 and 2; class 1 takes these counts, the others have 2000 images.
inline constexpr int kClasses = 3;
inline constexpr int64_t kFixedCount = 2000;
inline constexpr int64_t kVariedCounts[] = {50, 100, 250, 500, 1000, 2000, 4000};
inline constexpr int64_t kImages = 10'000;  // generated and judged a run

// A judge of ten classes and what a calibration set of 500 images a class says of it.
struct SimulatedJudge {
  std::vector<double> rates;     // entry [true * 10 + judged]: accepted as that
  std::vector<double> rejected;  // the same of images that it rejects; empty: it accepts all
  ConfusionMatrix confusion;
  ConfusionMatrix decisions;  // of all images, also those that it rejects
};
SimulatedJudge PerfectJudge();
// Right on 99.5% of the images on average, some classes better than others and some confusions likelier than others.
SimulatedJudge RealisticJudge(Random& random);
// Errs as the judge that this project trains on MNIST errs on the 10,000 images of the test split.
SimulatedJudge MeasuredJudge(Random& random);
// The same with these of its classes in the place of the study's three.
SimulatedJudge MeasuredJudgeOf(const std::vector<int>& classes, Random& random);
// The same with its classes in a random order, so that the study's three may be any three of the ten.
SimulatedJudge ShuffledMeasuredJudge(Random& random);
// Wrong on 3% to 20% of the images of a class, mostly on those that are like another one; it rejects two thirds of
// these and some of the others.
SimulatedJudge RejectingJudge(Random& random);

// Images of the three classes that the judge accepts as such, of `images` generated with these true shares.
std::vector<int64_t> JudgedCounts(const std::vector<double>& shares, int64_t images, const SimulatedJudge& judge,
                                  Random& random);

// logit of class 1's share = beta * logit of its training share + offset + noise, drawn for every run, + what an
// iteration has in common, of standard deviation `shared`; classes 0 and 2 share the rest. The noise is of one standard
// deviation at all bias points, or such that the over-dispersion rho is the same at all of them (by sd(share) = share
// (1 - share) sd(logit)).
struct Generator {
  std::string arm = "resample";
  Family family = Family::kOther;
  double beta = 1;
  double offset = 0;
  double noise = 0;
  double shared = 0;
  double rho = 0;
};

// Adds the runs of one generator, judged by judge `judge_index` of the study.
void AddRuns(const Generator& generator, int iterations, int64_t images, const SimulatedJudge& judge, int judge_index,
             Random& random, Study& study);

// A study of one generator.
Study SimulateStudy(const Generator& generator, int iterations, int64_t images, const SimulatedJudge& judge,
                    Random& random);

// The first finding of a claim (and part, unless empty); a test failure when there is none.
Finding FindingOf(const std::vector<Finding>& findings, const std::string& claim, const std::string& part = "");

}  // namespace skew::stats

#endif  // SKEW_TESTS_COMMON_STATS_SIMULATION_H_
