#include "tests/common/stats/studies.h"

#include <gtest/gtest.h>

#include <utility>

namespace skew::stats {

StudyRun MakeRun(const std::string& arm, Family family, int iteration, std::map<int, int64_t> trained,
                 std::map<int, int64_t> counts) {
  StudyRun run;
  run.arm = arm;
  run.family = family;
  run.job = "j1";
  run.iteration = iteration;
  run.images = std::to_string(iteration);
  for (const auto& [label, count] : trained) run.images += "/" + std::to_string(count);
  run.seed = static_cast<uint32_t>(iteration);
  run.trained = std::move(trained);
  run.counts = std::move(counts);
  return run;
}

Analysis Analyse(const Study& study, AnalysisOptions options) {
  const absl::StatusOr<Analysis> analysis = AnalyseStudy(study, options);
  EXPECT_TRUE(analysis.ok()) << analysis.status();
  return analysis.ok() ? *analysis : Analysis();
}

Study OneArm(const Generator& generator, int iterations) {
  Random random(20);
  return SimulateStudy(generator, iterations, kImages, PerfectJudge(), random);
}

Study TwoFamilies() {
  Study study;
  const std::map<int, int64_t> trained = {{0, 2000}, {1, 1000}, {2, 2000}};
  for (int i = 0; i < 8; ++i) {
    const int64_t wobble = i % 2 == 0 ? 400 : -400;
    StudyRun gan = MakeRun("dcgan", Family::kGan, i, trained, {{0, 4500 - wobble}, {1, 1000 + wobble + i}, {2, 4500}});
    StudyRun vae = MakeRun("vae", Family::kVae, i, trained, {{0, 4050}, {1, 1900 + 3 * i}, {2, 4050}});
    gan.vendi = {{0, 5.0 + i}, {1, 6.0}};
    vae.vendi = {{0, 3.0}, {1, 4.0}};
    gan.frechet = {{0, 1.0}};
    vae.frechet = {{0, 2.0 + 0.1 * i}};
    study.runs.push_back(gan);
    study.runs.push_back(vae);
  }
  return study;
}

}  // namespace skew::stats
