#include "common/analysis.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"

namespace skew {
namespace {

using ::testing::HasSubstr;

// A job of a GAN and a VAE at two bias points; the GAN halves class 1, the VAE keeps it, both a little irregularly.
JobToAnalyse StudyJob(const std::string& id, int iterations, const std::string& judge = "judge") {
  JobToAnalyse job;
  job.job.set_id(id);
  job.job.set_kind(v1::STUDY);
  job.job.set_dataset_digest("mnist");
  v1::JobSpec& spec = *job.job.mutable_spec();
  (*spec.mutable_bias()->mutable_fixed())[0] = 900;
  spec.mutable_bias()->mutable_varied()->set_class_(1);
  spec.mutable_bias()->mutable_varied()->add_counts(100);
  spec.mutable_bias()->mutable_varied()->add_counts(300);
  spec.add_models()->mutable_dcgan();
  spec.add_models()->mutable_vae();
  for (int model = 0; model < 2; ++model) {
    for (const int count : {100, 300}) {
      for (int iteration = 0; iteration < iterations; ++iteration) {
        v1::Run& run = job.runs.emplace_back();
        run.set_id(absl::StrCat(id, ".", job.runs.size()));
        run.set_model_index(model);
        run.set_model(model == 0 ? "dcgan" : "vae");
        (*run.mutable_bias_point()->mutable_counts())[0] = 900;
        (*run.mutable_bias_point()->mutable_counts())[1] = count;
        run.set_iteration(iteration);
        run.set_seed(static_cast<uint32_t>(iteration));
        run.set_state(v1::SUCCEEDED);
        run.set_manifest_digest(absl::StrCat(count, "/", iteration));
        v1::ClassHistogram& histogram = *run.mutable_histogram();
        const int own = (model == 0 ? count / 2 : count) + 3 * iteration;
        histogram.set_final(true);
        histogram.set_images(1000);
        (*histogram.mutable_counts())[0] = 1000 - own;
        (*histogram.mutable_counts())[1] = own;
        histogram.set_classifier_digest(judge);
      }
    }
  }
  v1::Classifier& classifier = job.classifiers.emplace_back();
  classifier.set_digest(judge);
  classifier.set_classes(2);
  for (const int count : {495, 5, 5, 495}) classifier.add_confusion(count);
  return job;
}

absl::StatusOr<v1::AnalyseJobsResponse> Analyse(const std::vector<JobToAnalyse>& jobs,
                                                v1::AnalyseJobsRequest request = {}) {
  for (const JobToAnalyse& job : jobs) request.add_job_ids(job.job.id());
  return AnalyseJobs(jobs, request);
}

const v1::Finding* Find(const v1::AnalyseJobsResponse& response, const std::string& claim, const std::string& part) {
  for (const v1::Finding& finding : response.findings()) {
    if (finding.claim() == claim && finding.part() == part) return &finding;
  }
  return nullptr;
}

TEST(AnalysisTest, FindingsOfAJob) {
  const auto response = Analyse({StudyJob("j1", 6)});
  ASSERT_TRUE(response.ok()) << response.status();
  EXPECT_EQ(response->runs(), 24);
  EXPECT_EQ(response->classifiers_size(), 1);
  EXPECT_EQ(response->alpha(), 0.05);
  const v1::Finding* bias = Find(*response, "H2", "bias");
  ASSERT_NE(bias, nullptr);
  EXPECT_EQ(bias->arm(), "dcgan");
  EXPECT_EQ(bias->against(), "vae");
  EXPECT_EQ(bias->units(), 6);
  EXPECT_EQ(bias->raw().verdict(), v1::SUPPORTED);
  EXPECT_TRUE(bias->has_corrected());
  EXPECT_THAT(response->notes(0), HasSubstr("errs on generated images as it does on real ones"));
  const v1::Finding* slope = Find(*response, "H1", "slope");
  ASSERT_NE(slope, nullptr);
  EXPECT_EQ(slope->class_(), 1);
  EXPECT_TRUE(slope->raw().has_low());
  EXPECT_EQ(slope->effect_name(), "beta");
  EXPECT_EQ(slope->null_effect(), 1);
  EXPECT_EQ(slope->margin(), 0.1);
  EXPECT_EQ(slope->predicted(), 1);
  EXPECT_TRUE(slope->raw().has_equivalence_p());
  EXPECT_GT(slope->raw().adjusted_equivalence_p(), slope->raw().equivalence_p());
  EXPECT_GT(bias->raw().adjusted_p(), bias->raw().p());
  const v1::Finding* loss = Find(*response, "H7", "loss");
  EXPECT_FALSE(loss->raw().has_p());
  EXPECT_THAT(loss->note(), HasSubstr("losses"));
}

// Where the GAN generates what it was trained on, almost, and the VAE half of class 1.
TEST(AnalysisTest, EveryVerdictIsTheOneOfItsName) {
  JobToAnalyse job = StudyJob("j1", 6);
  job.job.mutable_spec()->mutable_models()->SwapElements(0, 1);
  for (v1::Run& run : job.runs) {
    run.set_model(run.model_index() == 0 ? "vae" : "dcgan");
    if (run.model_index() == 0) continue;
    const int trained = run.bias_point().counts().at(1);
    const int own = 1000 * trained / (900 + trained) + run.iteration() % 2;
    (*run.mutable_histogram()->mutable_counts())[0] = 1000 - own;
    (*run.mutable_histogram()->mutable_counts())[1] = own;
  }
  const auto response = Analyse({job});
  ASSERT_TRUE(response.ok()) << response.status();
  EXPECT_EQ(Find(*response, "H2", "bias")->raw().verdict(), v1::OPPOSITE);
  std::map<std::string, v1::Verdict> slopes;
  for (const v1::Finding& finding : response->findings()) {
    if (finding.claim() == "H1") slopes[finding.arm()] = finding.raw().verdict();
  }
  EXPECT_EQ(slopes["dcgan"], v1::PRESERVED);
}

TEST(AnalysisTest, RunsWithoutAResultAreLeftOutAndSaidSo) {
  JobToAnalyse job = StudyJob("j1", 3);
  job.runs[0].set_state(v1::FAILED);
  job.runs[1].set_state(v1::RUNNING);
  const auto response = Analyse({job});
  ASSERT_TRUE(response.ok());
  EXPECT_EQ(response->runs(), 10);
  EXPECT_EQ(response->notes(response->notes_size() - 1), "job j1: 2 of 12 runs have no result");
}

TEST(AnalysisTest, RunsWithoutAnAcceptedImageAreSaidToBeInNoFinding) {
  JobToAnalyse job = StudyJob("j1", 3);
  for (auto& [label, count] : *job.runs[0].mutable_histogram()->mutable_counts()) count = 0;
  const auto response = Analyse({job});
  ASSERT_TRUE(response.ok()) << response.status();
  EXPECT_EQ(response->runs(), 11);
  EXPECT_THAT(response->notes(response->notes_size() - 1), HasSubstr("1 of 12 runs generated no image"));
  EXPECT_THAT(Find(*response, "H1", "slope")->note(), HasSubstr("left out 1 iteration"));
}

// Jobs that vary other classes with the same seed are trained on the same images.
TEST(AnalysisTest, IterationsAreThoseOfTheJobsSeed) {
  JobToAnalyse again = StudyJob("j2", 3);
  for (v1::Run& run : again.runs) {
    run.set_seed(run.seed() + 10);
    run.set_manifest_digest(run.manifest_digest() + "'");
  }
  EXPECT_EQ(Find(*Analyse({StudyJob("j1", 3), again}), "H4", "amplification")->units(), 3);
  again.job.mutable_spec()->set_seed(77);
  EXPECT_EQ(Find(*Analyse({StudyJob("j1", 3), again}), "H4", "amplification")->units(), 6);
}

TEST(AnalysisTest, AJobWithoutResultsDecidesNothing) {
  JobToAnalyse job = StudyJob("j1", 1);
  for (v1::Run& run : job.runs) run.set_state(v1::QUEUED);
  const auto response = Analyse({job});
  ASSERT_TRUE(response.ok());
  EXPECT_EQ(response->runs(), 0);
  for (const v1::Finding& finding : response->findings()) EXPECT_EQ(finding.raw().verdict(), v1::UNDECIDED);
}

TEST(AnalysisTest, ImagesAreComparedWithinTheClassesThatBothModelsHave) {
  JobToAnalyse job = StudyJob("j1", 6);
  for (v1::Run& run : job.runs) {
    const bool gan = run.model() == "dcgan";
    auto& classes = *run.mutable_histogram()->mutable_image_measures()->mutable_classes();
    classes[0].set_vendi(gan ? 5 + 0.01 * run.iteration() : 4);
    classes[0].set_frechet(gan ? 2 : 3);
    // The GAN generates too little of class 1 to measure it, the VAE has the best figures there.
    if (!gan) classes[1].set_vendi(50);
  }
  const auto response = Analyse({job});
  ASSERT_TRUE(response.ok()) << response.status();
  const v1::Finding* diverse = Find(*response, "H3", "less diverse");
  ASSERT_NE(diverse, nullptr);
  EXPECT_EQ(diverse->units(), 6);
  EXPECT_GT(diverse->raw().effect(), 0.99);
  EXPECT_LT(diverse->raw().p(), 0.01);
  const v1::Finding* sharp = Find(*response, "H3", "less sharp");
  ASSERT_NE(sharp, nullptr);
  EXPECT_DOUBLE_EQ(sharp->raw().effect(), -1);  // the GAN's less the VAE's
}

TEST(AnalysisTest, OtherSettingsAreAnotherArm) {
  JobToAnalyse longer = StudyJob("j2", 3);
  longer.job.mutable_spec()->mutable_training()->set_steps(9000);
  const auto response = Analyse({StudyJob("j1", 3), longer});
  ASSERT_TRUE(response.ok());
  std::set<std::string> arms;
  std::set<std::string> pairs;
  for (const v1::Finding& finding : response->findings()) {
    arms.insert(finding.arm());
    if (finding.claim() == "H2") pairs.insert(absl::StrCat(finding.arm(), " / ", finding.against()));
  }
  EXPECT_TRUE(arms.contains("dcgan"));
  EXPECT_TRUE(arms.contains("dcgan (j2)"));
  // A GAN is compared with a VAE that was trained for as long.
  EXPECT_THAT(pairs, testing::UnorderedElementsAre("dcgan / vae", "dcgan (j2) / vae (j2)"));
}

// Ten epochs of batches of 64 and of 128 are not the same number of updates, which is what a budget is.
TEST(AnalysisTest, EqualBudgetsAreEqualUpdates) {
  JobToAnalyse job = StudyJob("j1", 3);
  job.job.mutable_spec()->mutable_training()->set_epochs(10);
  for (v1::Run& run : job.runs) {
    const int images = 900 + run.bias_point().counts().at(1);
    run.mutable_histogram()->set_step(10 * images / (run.model() == "dcgan" ? 64 : 128));
  }
  EXPECT_THAT(Find(*Analyse({job}), "H2", "bias")->note(), HasSubstr("the same budget"));
  for (v1::Run& run : job.runs) run.mutable_histogram()->set_step(10 * (900 + run.bias_point().counts().at(1)) / 64);
  EXPECT_EQ(Find(*Analyse({job}), "H2", "bias")->units(), 3);
  // The same updates, whatever they were asked for as.
  JobToAnalyse steps = StudyJob("j2", 3);
  steps.job.mutable_spec()->mutable_models()->SwapElements(0, 1);
  std::erase_if(job.runs, [](const v1::Run& run) { return run.model_index() != 0; });
  std::erase_if(steps.runs, [](const v1::Run& run) { return run.model_index() == 0; });
  for (v1::Run& run : steps.runs) {
    run.set_model_index(0);
    run.mutable_histogram()->set_step(156);  // of 1000 images
  }
  const auto together = Analyse({job, steps});
  ASSERT_TRUE(together.ok()) << together.status();
  EXPECT_EQ(Find(*together, "H3", "closer")->units(), 3);
}

// Images below a threshold are in no share: two thresholds see different shares of the same images.
TEST(AnalysisTest, RunsJudgedWithOtherThresholdsAreNoPairs) {
  std::vector<JobToAnalyse> jobs = {StudyJob("j1", 3), StudyJob("j2", 3)};
  for (size_t i = 0; i < 2; ++i) {
    std::erase_if(jobs[i].runs, [&](const v1::Run& run) { return run.model_index() != static_cast<int>(i); });
  }
  EXPECT_EQ(Find(*Analyse(jobs), "H2", "bias")->units(), 3);
  jobs[1].job.mutable_spec()->mutable_evaluation()->set_reject_below(0.9);
  EXPECT_THAT(Find(*Analyse(jobs), "H2", "bias")->note(), HasSubstr("the same threshold"));
}

TEST(AnalysisTest, WhatTrainsNothingIsOneArmWhateverTheBudget) {
  std::vector<JobToAnalyse> jobs = {StudyJob("j1", 3), StudyJob("j2", 3)};
  jobs[1].job.mutable_spec()->mutable_training()->set_steps(9000);
  for (JobToAnalyse& job : jobs) {
    job.job.mutable_spec()->mutable_models(0)->mutable_resample();
    for (v1::Run& run : job.runs) {
      if (run.model_index() == 0) run.set_model("resample");
    }
  }
  const auto response = Analyse(jobs);
  ASSERT_TRUE(response.ok()) << response.status();
  EXPECT_EQ(response->runs(), 6 + 6 + 6);
  EXPECT_EQ(response->notes(0), "6 of 24 runs repeat another (model, settings, images and seed), and count once");
  for (const v1::Finding& finding : response->findings()) {
    EXPECT_NE(finding.arm(), "resample (j2)");
    EXPECT_EQ(finding.untrained(), finding.arm() == "resample") << finding.ShortDebugString();
  }
}

JobToAnalyse OrderedJob(const std::string& id, v1::BatchOrder order) {
  JobToAnalyse job = StudyJob(id, 4);
  job.job.mutable_spec()->mutable_training()->mutable_first_batches()->set_order(order);
  return job;
}

TEST(AnalysisTest, OrdersOfTheFirstBatchesAreComparedOnTheSameImages) {
  const auto response = Analyse({OrderedJob("j1", v1::MINORITY_FIRST), OrderedJob("j2", v1::MAJORITY_FIRST)});
  ASSERT_TRUE(response.ok()) << response.status();
  const v1::Finding* const finding = Find(*response, "H6", "first batches");
  ASSERT_NE(finding, nullptr);
  EXPECT_EQ(finding->units(), 4);
  EXPECT_EQ(finding->raw().effect(), 0);
  EXPECT_THAT(finding->arm(), testing::AnyOf("dcgan minority first", "vae minority first"));
  EXPECT_THAT(finding->against(), testing::AnyOf("dcgan majority first", "vae majority first"));
}

// Two majority-first batches are another treatment than two hundred.
TEST(AnalysisTest, OrdersOfMoreFirstBatchesAreAnotherArm) {
  std::vector<JobToAnalyse> jobs = {OrderedJob("j1", v1::MINORITY_FIRST), OrderedJob("j2", v1::MINORITY_FIRST),
                                    OrderedJob("j3", v1::MAJORITY_FIRST), StudyJob("j4", 4)};
  for (int i = 0; i < 3; ++i) {
    jobs[static_cast<size_t>(i)].job.mutable_spec()->mutable_training()->mutable_first_batches()->set_batches(
        i == 0 ? 2 : 200);
  }
  const auto response = Analyse(jobs);
  ASSERT_TRUE(response.ok()) << response.status();
  EXPECT_EQ(response->runs(), 4 * 16);
  std::set<std::string> arms;
  std::set<std::string> compared;
  for (const v1::Finding& finding : response->findings()) {
    arms.insert(finding.arm());
    if (finding.claim() == "H6") compared.insert(finding.arm());
  }
  for (const char* arm : {"dcgan", "dcgan minority first", "dcgan, 200 batches minority first"}) {
    EXPECT_TRUE(arms.contains(arm)) << arm;
  }
  EXPECT_TRUE(compared.contains("dcgan, 200 batches minority first"));
  EXPECT_FALSE(compared.contains("dcgan minority first"));
}

TEST(AnalysisTest, IterationsOnTheSameImagesArePairedByIteration) {
  std::vector<JobToAnalyse> jobs = {OrderedJob("j1", v1::MINORITY_FIRST), OrderedJob("j2", v1::MAJORITY_FIRST)};
  for (JobToAnalyse& job : jobs) {
    job.job.mutable_spec()->mutable_bias()->set_draw(v1::PER_JOB);
    for (v1::Run& run : job.runs) run.set_manifest_digest(absl::StrCat(run.bias_point().counts().at(1)));
  }
  const auto response = Analyse(jobs);
  ASSERT_TRUE(response.ok()) << response.status();
  EXPECT_EQ(Find(*response, "H6", "first batches")->units(), 4);
}

TEST(AnalysisTest, DifferentJudgesAreRefusedUnlessAllowed) {
  JobToAnalyse other = StudyJob("j2", 2, "another judge");
  for (v1::Run& run : other.runs) run.set_seed(run.seed() + 10);
  const auto refused = Analyse({StudyJob("j1", 2), other});
  EXPECT_EQ(refused.status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(refused.status().message(), HasSubstr("another judge, judge"));
  v1::AnalyseJobsRequest request;
  request.set_allow_different_judges(true);
  const auto allowed = Analyse({StudyJob("j1", 2), other}, request);
  ASSERT_TRUE(allowed.ok());
  EXPECT_EQ(allowed->classifiers_size(), 2);
  EXPECT_THAT(allowed->notes(1), HasSubstr("different judges"));
}

TEST(AnalysisTest, DifferentJudgesAreSaidSoAlsoWhenNeitherCanBeCorrectedFor) {
  JobToAnalyse job = StudyJob("j1", 2);
  job.classifiers.clear();
  job.runs.back().mutable_histogram()->set_classifier_digest("another judge");
  EXPECT_EQ(Analyse({job}).status().code(), absl::StatusCode::kFailedPrecondition);
  v1::AnalyseJobsRequest request;
  request.set_allow_different_judges(true);
  const auto allowed = Analyse({job}, request);
  ASSERT_TRUE(allowed.ok());
  EXPECT_THAT(allowed->notes(0), HasSubstr("nothing is corrected"));
  EXPECT_THAT(allowed->notes(1), HasSubstr("different judges"));
}

TEST(AnalysisTest, OnlyFinishedGansAreAskedForTheirLosses) {
  JobToAnalyse job = StudyJob("j1", 1);
  EXPECT_TRUE(NeedsLosses(job.job, job.runs.front()));
  EXPECT_FALSE(NeedsLosses(job.job, job.runs.back()));  // a VAE's
  job.runs.front().set_state(v1::FAILED);
  EXPECT_FALSE(NeedsLosses(job.job, job.runs.front()));
  v1::Job training;
  training.set_kind(v1::CLASSIFIER_TRAINING);
  EXPECT_FALSE(NeedsLosses(training, job.runs.back()));
}

TEST(AnalysisTest, RefusesWhatDoesNotBelongTogether) {
  JobToAnalyse training = StudyJob("j2", 1);
  training.job.set_kind(v1::CLASSIFIER_TRAINING);
  EXPECT_THAT(Analyse({StudyJob("j1", 1), training}).status().message(), HasSubstr("trains a classifier"));
  JobToAnalyse dataset = StudyJob("j2", 1);
  dataset.job.set_dataset_digest("fashion");
  EXPECT_THAT(Analyse({StudyJob("j1", 1), dataset}).status().message(), HasSubstr("different datasets"));
  JobToAnalyse classes = StudyJob("j2", 1);
  (*classes.job.mutable_spec()->mutable_bias()->mutable_fixed())[5] = 10;
  EXPECT_THAT(Analyse({StudyJob("j1", 1), classes}).status().message(), HasSubstr("0, 1 and 0, 1, 5"));
  EXPECT_THAT(Analyse({StudyJob("j1", 1), StudyJob("j1", 1)}).status().message(), HasSubstr("named twice"));
  EXPECT_EQ(AnalyseJobs({}, {}).status().code(), absl::StatusCode::kInvalidArgument);
  v1::AnalyseJobsRequest request;
  request.set_focus_class(9);
  EXPECT_THAT(Analyse({StudyJob("j1", 1)}, request).status().message(), HasSubstr("9 is not a class"));
}

TEST(AnalysisTest, WithoutTheJudgeNothingIsCorrected) {
  JobToAnalyse job = StudyJob("j1", 2);
  job.classifiers.clear();
  const auto response = Analyse({job});
  ASSERT_TRUE(response.ok());
  EXPECT_FALSE(Find(*response, "H1", "slope")->has_corrected());
  EXPECT_THAT(response->notes(0), HasSubstr("nothing is corrected"));
}

TEST(AnalysisTest, LargestInColumn) {
  EXPECT_EQ(LargestInColumn("step,loss_d,loss_g\n1,0.5,0.7\n2,3,2.5\n3,1,nan\n4,1\n", "loss_g"), 2.5);
  EXPECT_EQ(LargestInColumn("step,loss_g\n1,-3\n2,-2\n", "loss_g"), -2);
  EXPECT_FALSE(LargestInColumn("step,loss\n1,2\n", "loss_g").has_value());
  EXPECT_FALSE(LargestInColumn("", "loss_g").has_value());
}

}  // namespace
}  // namespace skew
