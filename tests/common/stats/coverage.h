// How often intervals cover the truth, and tests reject, over many simulated studies.
#ifndef SKEW_TESTS_COMMON_STATS_COVERAGE_H_
#define SKEW_TESTS_COMMON_STATS_COVERAGE_H_

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "tests/common/stats/simulation.h"

namespace skew::stats {

// Of every study here, unless said otherwise.
inline constexpr int kIterations = 5;

struct Coverage {
  double hits = 0;
  double all = 0;

  void Add(bool hit) {
    hits += hit ? 1 : 0;
    ++all;
  }
  double rate() const { return hits / all; }
};

// Prints it, and expects it to be near 95%: in [93%, 97%].
void ExpectNominal(const std::string& name, const Coverage& coverage);

// H1 of null-arm studies: mean slope, coverage of its interval, and how often the claim is said to hold.
struct Slopes {
  std::vector<double> beta;
  Coverage coverage;
  Coverage supported;
  Coverage supported_by_verdict;
  Coverage preserved;
};

Slopes SlopesOf(int studies, const Generator& generator, int iterations,
                const std::function<SimulatedJudge(Random&)>& make_judge, bool corrected, uint64_t seed);

}  // namespace skew::stats

#endif  // SKEW_TESTS_COMMON_STATS_COVERAGE_H_
