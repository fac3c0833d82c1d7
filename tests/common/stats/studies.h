// Small studies for the tests of claims.
#ifndef SKEW_TESTS_COMMON_STATS_STUDIES_H_
#define SKEW_TESTS_COMMON_STATS_STUDIES_H_

#include <cstdint>
#include <map>
#include <string>

#include "common/stats/claims.h"
#include "tests/common/stats/simulation.h"

namespace skew::stats {

// A run of three classes at the given training counts, with these generated counts.
StudyRun MakeRun(const std::string& arm, Family family, int iteration, std::map<int, int64_t> trained,
                 std::map<int, int64_t> counts);

// A test failure when it is refused.
Analysis Analyse(const Study& study, AnalysisOptions options = {});

// Judged by a perfect judge, generated as said.
Study OneArm(const Generator& generator, int iterations);

// The GAN moves mass from class 1 by a tenth, more or less, the VAE by a hundredth.
Study TwoFamilies();

}  // namespace skew::stats

#endif  // SKEW_TESTS_COMMON_STATS_STUDIES_H_
