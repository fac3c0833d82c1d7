#include "common/results.h"

#include <gtest/gtest.h>

#include <cmath>
#include <map>
#include <string>
#include <vector>

#include "common/judge_results.h"

namespace skew {
namespace {

v1::Run FinishedRun(int32_t model_index, const std::map<int32_t, int32_t>& trained,
                    const std::map<int32_t, int32_t>& generated, int32_t rejected = 0) {
  v1::Run run;
  run.set_model_index(model_index);
  run.set_model(model_index == 0 ? "dcgan" : "vae");
  run.set_state(v1::SUCCEEDED);
  run.mutable_bias_point()->mutable_counts()->insert(trained.begin(), trained.end());
  run.mutable_histogram()->set_final(true);
  run.mutable_histogram()->set_rejected(rejected);
  int32_t images = rejected;
  for (const auto& [label, count] : generated) {
    (*run.mutable_histogram()->mutable_counts())[label] = count;
    images += count;
  }
  run.mutable_histogram()->set_images(images);
  return run;
}

TEST(EstimateTest, HasMeanSdAndStudentInterval) {
  // Student's t at 97.5% with 4 degrees of freedom is 2.776445; sd of 1..5 is sqrt(2.5).
  const v1::Estimate estimate = EstimateOf({1, 2, 3, 4, 5});
  EXPECT_DOUBLE_EQ(estimate.mean(), 3);
  EXPECT_NEAR(estimate.sd(), 1.5811388, 1e-7);
  EXPECT_NEAR(estimate.low(), 3 - 2.776445 * 1.5811388 / std::sqrt(5.0), 1e-5);
  EXPECT_NEAR(estimate.high(), 3 + 2.776445 * 1.5811388 / std::sqrt(5.0), 1e-5);
}

TEST(EstimateTest, OneValueHasNoSpread) {
  const v1::Estimate estimate = EstimateOf({0.25});
  EXPECT_DOUBLE_EQ(estimate.mean(), 0.25);
  EXPECT_FALSE(estimate.has_sd());
  EXPECT_FALSE(estimate.has_low());
}

TEST(ResultsTest, SharesLeaveOutRejectedImages) {
  const std::vector<v1::ResultCell> cells =
      ComputeResults({FinishedRun(0, {{0, 100}, {1, 300}}, {{0, 30}, {1, 50}}, 20)});
  ASSERT_EQ(cells.size(), 1u);
  ASSERT_EQ(cells[0].classes_size(), 2);
  EXPECT_DOUBLE_EQ(cells[0].classes(0).trained_share(), 0.25);
  EXPECT_DOUBLE_EQ(cells[0].classes(0).generated().mean(), 30.0 / 80);
  EXPECT_DOUBLE_EQ(cells[0].classes(0).amplification(), 30.0 / 80 / 0.25);
  EXPECT_DOUBLE_EQ(cells[0].rejected().mean(), 0.2);
}

TEST(ResultsTest, ACellIsABiasPointAndAModelInThisOrder) {
  const std::vector<v1::ResultCell> cells = ComputeResults({
      FinishedRun(1, {{0, 10}, {1, 20}}, {{0, 1}, {1, 1}}),
      FinishedRun(0, {{0, 10}, {1, 20}}, {{0, 1}, {1, 1}}),
      FinishedRun(0, {{0, 10}, {1, 5}}, {{0, 1}, {1, 1}}),
      FinishedRun(0, {{0, 10}, {1, 20}}, {{0, 3}, {1, 1}}),
  });
  ASSERT_EQ(cells.size(), 3u);
  EXPECT_EQ(cells[0].bias_point().counts().at(1), 5);
  EXPECT_EQ(cells[1].model(), "dcgan");
  EXPECT_EQ(cells[1].runs_succeeded(), 2);
  EXPECT_DOUBLE_EQ(cells[1].classes(0).generated().mean(), (0.5 + 0.75) / 2);
  EXPECT_EQ(cells[2].model(), "vae");
}

TEST(ResultsTest, UnfinishedRunsCountOnlyTowardsTheTotal) {
  v1::Run running = FinishedRun(0, {{0, 10}, {1, 10}}, {{0, 1}, {1, 1}});
  running.set_state(v1::RUNNING);
  running.mutable_histogram()->set_final(false);
  const std::vector<v1::ResultCell> cells = ComputeResults({running});
  ASSERT_EQ(cells.size(), 1u);
  EXPECT_EQ(cells[0].runs_total(), 1);
  EXPECT_EQ(cells[0].runs_succeeded(), 0);
  EXPECT_FALSE(cells[0].classes(0).has_generated());
  EXPECT_FALSE(cells[0].classes(0).has_amplification());
}

TEST(ResultsTest, ARunWithoutAnAcceptedImageHasNoShares) {
  const std::vector<v1::ResultCell> cells = ComputeResults({FinishedRun(0, {{0, 10}, {1, 10}}, {{0, 0}, {1, 0}}, 100),
                                                            FinishedRun(0, {{0, 10}, {1, 10}}, {{0, 60}, {1, 40}}, 0)});
  EXPECT_DOUBLE_EQ(cells[0].classes(0).generated().mean(), 0.6);
  EXPECT_DOUBLE_EQ(cells[0].rejected().mean(), 0.5);
  EXPECT_EQ(cells[0].runs_succeeded(), 2);
  EXPECT_EQ(cells[0].runs_counted(), 1);
}

// A judge of two classes that calls a tenth of class 0 class 1.
v1::Classifier Judge(const std::string& digest, int images = 100'000) {
  v1::Classifier classifier;
  classifier.set_digest(digest);
  classifier.set_classes(2);
  for (const int count : {images * 9 / 10, images / 10, 0, images}) classifier.add_confusion(count);
  return classifier;
}

v1::Run Judged(v1::Run run, const std::string& digest) {
  run.mutable_histogram()->set_classifier_digest(digest);
  return run;
}

// True shares (.8, .2) are judged to be (.72, .28).
TEST(ResultsTest, SharesAreCorrectedForTheJudgesErrors) {
  const v1::Run run = FinishedRun(0, {{0, 800}, {1, 200}}, {{0, 7200}, {1, 2800}});
  const std::vector<v1::ResultCell> cells =
      ComputeResults({Judged(run, "judge"), Judged(run, "judge")}, {Judge("judge")});
  const v1::ClassResult& minority = cells[0].classes(1);
  EXPECT_NEAR(minority.generated().mean(), 0.28, 1e-9);
  EXPECT_NEAR(minority.corrected().mean(), 0.2, 1e-4);
  EXPECT_NEAR(minority.corrected_amplification(), 1, 1e-3);
  EXPECT_NEAR(minority.corrected_delta().mean(), 0, 1e-3);
  EXPECT_NEAR(minority.delta().mean(), std::log(0.28 / 0.72) - std::log(0.25), 1e-3);
  EXPECT_NEAR(cells[0].divergences().total_variation().mean(), 0.08, 1e-9);
  EXPECT_NEAR(cells[0].corrected_divergences().total_variation().mean(), 0, 1e-3);
  // The two runs agree: what is left open is the judge's.
  EXPECT_LT(minority.corrected().low(), minority.corrected().mean());
  EXPECT_GT(minority.corrected().high(), minority.corrected().mean());
  EXPECT_NEAR(minority.corrected().high(), minority.corrected().low(), 0.01);
}

// The same judge, less sure of what it says: outputs (.88, .12) for class 0 and (.05, .95) for class 1 on average.
v1::Classifier SoftJudge(const std::string& digest) {
  v1::Classifier classifier = Judge(digest);
  for (const double output : {0.88, 0.12, 0.05, 0.95}) classifier.add_mean_posteriors(output);
  return classifier;
}

// True shares (.8, .2) have mean outputs (.714, .286).
v1::Run SoftlyJudged() {
  v1::Run run = Judged(FinishedRun(0, {{0, 800}, {1, 200}}, {{0, 7200}, {1, 2800}}), "judge");
  run.mutable_histogram()->add_mean_posterior(0.714);
  run.mutable_histogram()->add_mean_posterior(0.286);
  return run;
}

TEST(ResultsTest, SharesAreCorrectedFromTheMeanPosteriors) {
  const std::vector<v1::ResultCell> cells =
      ComputeResults({SoftlyJudged(), SoftlyJudged()}, {SoftJudge("judge")}, true);
  const v1::ClassResult& minority = cells[0].classes(1);
  EXPECT_NEAR(minority.pacc().mean(), 0.2, 1e-4);
  EXPECT_NEAR(cells[0].classes(0).pacc().mean(), 0.8, 1e-4);
  EXPECT_NEAR(minority.pacc().sd(), 0, 1e-9);
  EXPECT_LT(minority.pacc().low(), 0.2);  // the judge's calibration leaves something open
  EXPECT_GT(minority.pacc().high(), 0.2);
  EXPECT_NEAR(cells[0].runs(0).classes(1).pacc(), 0.2, 1e-4);
  EXPECT_NEAR(minority.corrected().mean(), 0.2, 1e-4);
}

TEST(ResultsTest, WithoutMeanPosteriorsThereIsNoPacc) {
  const v1::ResultCell old_judge = ComputeResults({SoftlyJudged()}, {Judge("judge")}, true)[0];
  EXPECT_TRUE(old_judge.classes(1).has_corrected());
  EXPECT_FALSE(old_judge.classes(1).has_pacc());
  EXPECT_FALSE(old_judge.runs(0).classes(1).has_pacc());
  v1::Run bare = SoftlyJudged();
  bare.mutable_histogram()->clear_mean_posterior();
  const v1::ResultCell one_bare = ComputeResults({SoftlyJudged(), bare}, {SoftJudge("judge")}, true)[0];
  EXPECT_FALSE(one_bare.classes(1).has_pacc());
  EXPECT_TRUE(one_bare.runs(0).classes(1).has_pacc());
  EXPECT_FALSE(one_bare.runs(1).classes(1).has_pacc());
}

// Accuracies .9 and 1: (.72 - 0) / .9 = .8.
TEST(ResultsTest, TwoClassesHaveCleam) {
  v1::Run high = Judged(FinishedRun(0, {{0, 800}, {1, 200}}, {{0, 7300}, {1, 2700}}), "judge");
  v1::Run low = Judged(FinishedRun(0, {{0, 800}, {1, 200}}, {{0, 7100}, {1, 2900}}), "judge");
  const v1::ResultCell cell = ComputeResults({high, low}, {Judge("judge")}, true)[0];
  EXPECT_NEAR(cell.classes(0).cleam().mean(), 0.8, 1e-12);
  EXPECT_NEAR(cell.classes(1).cleam().mean(), 0.2, 1e-12);
  EXPECT_NEAR(cell.classes(1).cleam().sd(), cell.classes(1).generated().sd() / 0.9, 1e-12);
  EXPECT_NEAR(cell.classes(1).cleam().low(), 1 - cell.classes(0).cleam().high(), 1e-12);
  EXPECT_NEAR(cell.runs(0).classes(1).cleam(), 1 - 0.73 / 0.9, 1e-12);
}

TEST(ResultsTest, ThreeClassesHaveNoCleam) {
  v1::Classifier judge;
  judge.set_digest("judge");
  judge.set_classes(3);
  for (const int count : {98, 1, 1, 1, 98, 1, 1, 1, 98}) judge.add_confusion(count);
  const v1::ResultCell cell = ComputeResults(
      {Judged(FinishedRun(0, {{0, 1}, {1, 1}, {2, 1}}, {{0, 30}, {1, 30}, {2, 40}}), "judge")}, {judge}, true)[0];
  EXPECT_TRUE(cell.classes(0).has_corrected());
  EXPECT_FALSE(cell.classes(0).has_cleam());
  EXPECT_FALSE(cell.runs(0).classes(0).has_cleam());
}

TEST(ResultsTest, JudgesAreThoseOfTheRunsThatCount) {
  const v1::Run run = FinishedRun(0, {{0, 10}, {1, 10}}, {{0, 1}, {1, 1}});
  v1::Run failed = Judged(run, "c");
  failed.set_state(v1::FAILED);
  const v1::Run nothing = Judged(FinishedRun(0, {{0, 10}, {1, 10}}, {{0, 0}, {1, 0}}, 5), "d");
  EXPECT_EQ(JudgesOf({Judged(run, "a"), Judged(run, "b"), failed, nothing}), (std::set<std::string>{"a", "b"}));
}

TEST(ResultsTest, NothingIsCorrectedWithoutOneKnownJudge) {
  const v1::Run run = FinishedRun(0, {{0, 800}, {1, 200}}, {{0, 7200}, {1, 2800}});
  const v1::Classifier judges[] = {Judge("a"), Judge("b")};
  EXPECT_FALSE(ComputeResults({Judged(run, "a"), Judged(run, "b")}, judges)[0].classes(0).has_corrected());
  EXPECT_FALSE(ComputeResults({Judged(run, "c")}, judges)[0].classes(0).has_corrected());
  EXPECT_FALSE(ComputeResults({run}, judges)[0].has_corrected_divergences());
  EXPECT_TRUE(ComputeResults({Judged(run, "a")}, judges)[0].classes(0).has_corrected());
}

// Judged by "judge" and, with other counts, by further ones.
v1::Run JudgedByMore(const std::map<int32_t, int32_t>& counts,
                     const std::map<std::string, std::map<int32_t, int32_t>>& more) {
  v1::Run run = Judged(FinishedRun(0, {{0, 800}, {1, 200}}, counts, 100), "judge");
  for (const auto& [digest, of_judge] : more) {
    v1::ClassHistogram& further = *run.mutable_histogram()->add_more_judges();
    further = Judged(FinishedRun(0, {}, of_judge, 50), digest).histogram();
    further.clear_final();
  }
  return run;
}

TEST(ResultsTest, SeveralJudgesStandBesideEachOtherAndTheirSpreadIsShown) {
  // The means of class 1: .2, .3 and .28.
  const v1::Run first = JudgedByMore({{0, 810}, {1, 190}}, {{"b", {{0, 720}, {1, 280}}}, {"c", {{0, 72}, {1, 28}}}});
  const v1::Run second = JudgedByMore({{0, 790}, {1, 210}}, {{"b", {{0, 680}, {1, 320}}}, {"c", {{0, 72}, {1, 28}}}});
  const v1::Classifier known[] = {Judge("judge"), Judge("c"), SoftJudge("b")};
  const v1::ResultCell cell = ComputeResults({first, second}, known)[0];
  ASSERT_EQ(cell.judges_size(), 3);
  EXPECT_EQ(cell.judges(0).classifier_digest(), "judge");
  EXPECT_EQ(cell.judges(1).classifier_digest(), "b");
  EXPECT_EQ(cell.judges(2).classifier_digest(), "c");
  EXPECT_EQ(cell.judges(1).runs(), 2);
  // The first one says what the cell says.
  EXPECT_EQ(cell.judges(0).classes(1).generated().DebugString(), cell.classes(1).generated().DebugString());
  EXPECT_EQ(cell.judges(0).classes(1).corrected().DebugString(), cell.classes(1).corrected().DebugString());
  EXPECT_DOUBLE_EQ(cell.judges(0).rejected().mean(), 100.0 / 1100);
  EXPECT_DOUBLE_EQ(cell.judges(1).rejected().mean(), 50.0 / 1050);
  EXPECT_NEAR(cell.judges(1).classes(1).generated().mean(), 0.3, 1e-12);
  EXPECT_NEAR(cell.judges(1).classes(1).generated().sd(), std::sqrt(2) * 0.02, 1e-12);
  // Its own errors: .3 = .1 (1 - p) + p.
  EXPECT_NEAR(cell.judges(1).classes(1).corrected().mean(), 0.2 / 0.9, 1e-4);
  const v1::JudgeSpread& spread = cell.classes(1).judge_spread();
  EXPECT_EQ(spread.judges(), 3);
  EXPECT_NEAR(spread.low(), 0.2, 1e-12);
  EXPECT_NEAR(spread.high(), 0.3, 1e-12);
  EXPECT_NEAR(spread.sd(), 0.0529150262, 1e-9);
  EXPECT_NEAR(cell.classes(1).corrected_judge_spread().low(), 0.1 / 0.9, 1e-4);
  EXPECT_EQ(
      JudgeSpreadText(std::vector<v1::ResultCell>{cell}),
      "3 judges differ by up to 10.00 percentage points in a mean share (dcgan, 0:800 1:200, class 0); corrected, "
      "by up to 11.11 (dcgan, 0:800 1:200, class 0)");
}

TEST(ResultsTest, OneJudgeHasNoSpread) {
  const v1::ResultCell cell = ComputeResults({JudgedByMore({{0, 8}, {1, 2}}, {})}, {})[0];
  EXPECT_EQ(cell.judges_size(), 0);
  EXPECT_FALSE(cell.classes(0).has_judge_spread());
  EXPECT_EQ(JudgeSpreadText(std::vector<v1::ResultCell>{cell}), "");
}

TEST(ResultsTest, OnlyJudgesOfAllRunsOfACellAreCompared) {
  const v1::ResultCell cell = ComputeResults(
      {JudgedByMore({{0, 8}, {1, 2}}, {{"b", {{0, 7}, {1, 3}}}}), JudgedByMore({{0, 8}, {1, 2}}, {})}, {})[0];
  EXPECT_EQ(cell.judges_size(), 2);
  EXPECT_EQ(cell.judges(1).runs(), 1);
  EXPECT_FALSE(cell.classes(0).has_judge_spread());
}

TEST(ResultsTest, WithoutACorrectionForOneJudgeNoneAreComparedCorrected) {
  const v1::ResultCell cell =
      ComputeResults({JudgedByMore({{0, 8}, {1, 2}}, {{"b", {{0, 7}, {1, 3}}}})}, {Judge("judge")})[0];
  EXPECT_TRUE(cell.judges(0).classes(0).has_corrected());
  EXPECT_FALSE(cell.judges(1).classes(0).has_corrected());
  EXPECT_TRUE(cell.classes(0).has_judge_spread());
  EXPECT_FALSE(cell.classes(0).has_corrected_judge_spread());
}

TEST(ResultsTest, AJudgeThatAcceptsNothingSaysNothing) {
  const v1::ResultCell cell = ComputeResults({JudgedByMore({{0, 8}, {1, 2}}, {{"b", {{0, 0}, {1, 0}}}})}, {})[0];
  EXPECT_FALSE(cell.judges(1).classes(0).has_generated());
  EXPECT_DOUBLE_EQ(cell.judges(1).rejected().mean(), 1);
  EXPECT_FALSE(cell.classes(0).has_judge_spread());
}

TEST(ResultsTest, OverDispersionNeedsTwoRuns) {
  const v1::Run high = FinishedRun(0, {{0, 80}, {1, 20}}, {{0, 770}, {1, 230}});
  const v1::Run low = FinishedRun(0, {{0, 80}, {1, 20}}, {{0, 830}, {1, 170}});
  EXPECT_FALSE(ComputeResults({high})[0].classes(1).has_over_dispersion());
  const double variance = 2 * 0.03 * 0.03;
  EXPECT_NEAR(ComputeResults({high, low})[0].classes(1).over_dispersion(), (variance / 0.16 - 0.001) / 0.999, 1e-9);
}

TEST(ResultsTest, SingleRunsOnRequest) {
  v1::Run run = Judged(FinishedRun(0, {{0, 182}, {1, 81}}, {{0, 182}, {1, 81}}), "judge");
  run.set_id("j1.1");
  run.set_iteration(3);
  EXPECT_EQ(ComputeResults({run})[0].runs_size(), 0);
  const v1::ResultCell cell = ComputeResults({run}, {Judge("judge")}, true)[0];
  ASSERT_EQ(cell.runs_size(), 1);
  EXPECT_EQ(cell.runs(0).run_id(), "j1.1");
  EXPECT_EQ(cell.runs(0).iteration(), 3);
  EXPECT_NEAR(cell.runs(0).chi_square(), 0, 1e-12);
  EXPECT_NEAR(cell.runs(0).chi_square_p(), 1, 1e-12);
  const v1::RunClassResult& one = cell.runs(0).classes(1);
  EXPECT_EQ(one.images(), 81);
  EXPECT_NEAR(one.wilson().low(), 0.255289, 1e-6);
  EXPECT_LT(one.goodman().low(), one.wilson().low());
  EXPECT_LT(one.clopper_pearson().low(), one.wilson().low());
  EXPECT_LT(one.corrected(), one.share());
}

TEST(ResultsTest, MeasuresOfImagesOverTheRunsThatHaveThem) {
  std::vector<v1::Run> runs(3, FinishedRun(0, {{0, 10}, {1, 10}}, {{0, 60}, {1, 40}}));
  for (int i = 0; i < 2; ++i) {
    v1::ImageMeasures& measures = *runs[static_cast<size_t>(i)].mutable_histogram()->mutable_image_measures();
    measures.mutable_all()->set_images(100);
    measures.mutable_all()->set_frechet(4 + 2 * i);
    measures.set_frechet_balanced(9);
  }
  (*runs[1].mutable_histogram()->mutable_image_measures()->mutable_classes())[1].set_near_pairs(7);
  const v1::ResultCell cell = ComputeResults(runs)[0];
  ASSERT_EQ(cell.image_measures_size(), 4);
  EXPECT_EQ(cell.image_measures(0).measure(), "images");
  EXPECT_EQ(cell.image_measures(0).runs(), 2);
  EXPECT_DOUBLE_EQ(cell.image_measures(0).estimate().mean(), 100);
  const v1::MeasureResult& frechet = cell.image_measures(1);
  EXPECT_EQ(frechet.measure(), "frechet");
  EXPECT_FALSE(frechet.has_class_());
  EXPECT_EQ(frechet.runs(), 2);
  EXPECT_DOUBLE_EQ(frechet.estimate().mean(), 5);
  EXPECT_DOUBLE_EQ(frechet.estimate().sd(), std::sqrt(2));
  EXPECT_EQ(cell.image_measures(2).measure(), "frechet_balanced");
  EXPECT_EQ(cell.image_measures(3).measure(), "near_pairs");
  EXPECT_EQ(cell.image_measures(3).class_(), 1);
  EXPECT_EQ(cell.image_measures(3).runs(), 1);
  EXPECT_DOUBLE_EQ(cell.image_measures(3).estimate().mean(), 7);
}

// One run has two near pairs of 4950, two have none and so no bound above: all together two of 14850.
TEST(ResultsTest, SupportIsThatOfTheNearPairsOfAllRuns) {
  std::vector<v1::Run> runs(3, FinishedRun(0, {{0, 10}, {1, 10}}, {{0, 60}, {1, 40}}));
  for (size_t i = 0; i < runs.size(); ++i) {
    v1::SampleMeasures& measures = (*runs[i].mutable_histogram()->mutable_image_measures()->mutable_classes())[1];
    measures.set_images(100);
    measures.set_near_pairs(i == 0 ? 2 : 0);
    if (i == 0) measures.set_support(2475);
    measures.set_support_low(i == 0 ? 685.17 : 1341.85);
  }
  const v1::ResultCell cell = ComputeResults(runs)[0];
  ASSERT_EQ(cell.image_measures_size(), 5);
  const std::pair<const char*, double> expected[] = {
      {"support", 7425}, {"support_low", 14850 / 7.224688}, {"support_high", 14850 / 0.242209}};
  for (int i = 0; i < 3; ++i) {
    const v1::MeasureResult& result = cell.image_measures(2 + i);
    EXPECT_EQ(result.measure(), expected[i].first);
    EXPECT_NEAR(result.estimate().mean() / expected[i].second, 1, 1e-5) << result.measure();
    EXPECT_FALSE(result.estimate().has_sd());
    EXPECT_EQ(result.runs(), 3);
  }
  (*runs[0].mutable_histogram()->mutable_image_measures()->mutable_classes())[1].set_near_pairs(0);
  const v1::ResultCell unbounded = ComputeResults(runs)[0];
  ASSERT_EQ(unbounded.image_measures_size(), 3) << "images, near_pairs, support_low";
  EXPECT_NEAR(unbounded.image_measures(2).estimate().mean(), 14850 / 3.688879, 0.01);
}

// The values of divergence_test.cc, for shares of .5, .3 and .2 beside equal ones.
TEST(ResultsTest, EveryDivergenceIsTheOneOfItsName) {
  const std::map<int32_t, int32_t> generated = {{0, 500}, {1, 300}, {2, 200}};
  const v1::Divergences from_equal =
      ComputeResults({FinishedRun(0, {{0, 100}, {1, 100}, {2, 100}}, generated)})[0].divergences();
  EXPECT_NEAR(from_equal.total_variation().mean(), 1.0 / 6, 1e-7);
  EXPECT_NEAR(from_equal.kl_generated_trained().mean(), 0.0689593, 1e-6);
  EXPECT_NEAR(from_equal.kl_trained_generated().mean(), 0.0702403, 1e-6);
  EXPECT_NEAR(from_equal.jensen_shannon().mean(), 0.0172510, 1e-6);
  EXPECT_NEAR(from_equal.hellinger().mean(), 0.1316247, 1e-6);
  EXPECT_NEAR(from_equal.fairness_discrepancy().mean(), 0.2160247, 1e-6);
  const v1::Divergences from_same =
      ComputeResults({FinishedRun(0, {{0, 500}, {1, 300}, {2, 200}}, generated)})[0].divergences();
  EXPECT_NEAR(from_same.total_variation().mean(), 0, 1e-9);
  EXPECT_NEAR(from_same.kl_generated_trained().mean(), 0, 1e-9);
  EXPECT_NEAR(from_same.jensen_shannon().mean(), 0, 1e-9);
  EXPECT_NEAR(from_same.hellinger().mean(), 0, 1e-7);
  EXPECT_NEAR(from_same.fairness_discrepancy().mean(), 0.2160247, 1e-6) << "from equal shares, whatever was trained";
}

TEST(ResultsTest, AClassThatWasNotGeneratedIsInfinitelyFarInOneDirection) {
  const v1::ResultCell cell = ComputeResults({FinishedRun(0, {{0, 10}, {1, 10}}, {{0, 100}, {1, 0}})})[0];
  EXPECT_TRUE(cell.divergences().has_kl_generated_trained());
  EXPECT_FALSE(cell.divergences().has_kl_trained_generated());
  EXPECT_TRUE(std::isfinite(cell.classes(1).delta().mean()));
}

}  // namespace
}  // namespace skew
