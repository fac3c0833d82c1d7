// A study for the tests of reports.
#ifndef SKEW_TESTS_CLIENT_REPORT_STUDY_H_
#define SKEW_TESTS_CLIENT_REPORT_STUDY_H_

#include <cstdint>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "client/report/study_data.h"
#include "common/results.h"

namespace skew {

inline v1::Run ReportRun(const std::string& job_id, int number, int model, int count, int iteration) {
  v1::Run run;
  run.set_id(absl::StrCat(job_id, ".", number));
  run.set_job_id(job_id);
  run.set_model_index(model);
  run.set_model(model == 0 ? "dcgan" : "vae");
  (*run.mutable_bias_point()->mutable_counts())[0] = 900;
  (*run.mutable_bias_point()->mutable_counts())[1] = count;
  run.set_iteration(iteration);
  run.set_state(v1::SUCCEEDED);
  v1::ClassHistogram& histogram = *run.mutable_histogram();
  const int own = (model == 0 ? count / 2 : count) + 7 * iteration;
  histogram.set_run_id(run.id());
  histogram.set_step(200);
  histogram.set_final(true);
  histogram.set_images(1100);
  histogram.set_rejected(60);
  histogram.set_off_support(40);
  (*histogram.mutable_counts())[0] = 1000 - own;
  (*histogram.mutable_counts())[1] = own;
  histogram.set_classifier_digest("judge");
  return run;
}

// A job of a GAN and a VAE at two bias points, with a histogram half-way and losses.
inline JobData ReportJob(const std::string& id, int iterations) {
  JobData data;
  data.job.set_id(id);
  data.job.set_state(v1::JOB_SUCCEEDED);
  data.job.set_owner("ann");
  data.job.mutable_spec()->set_name("study");
  data.job.mutable_spec()->set_dataset("mnist");
  data.job.mutable_spec()->set_iterations(iterations);
  for (int model = 0; model < 2; ++model) {
    for (const int count : {100, 300}) {
      for (int iteration = 0; iteration < iterations; ++iteration) {
        const v1::Run& run =
            data.runs.emplace_back(ReportRun(id, static_cast<int>(data.runs.size()) + 1, model, count, iteration));
        v1::ClassHistogram early = run.histogram();
        early.set_step(100);
        early.set_final(false);
        data.histograms[run.id()] = {{100, early}, {200, run.histogram()}};
        data.losses[run.id()] =
            LossCurvesOf(model == 0 ? "step,loss_d,loss_g\n1,0.5,2\n2,0.75,3\n"
                                    : "step,loss,reconstruction,divergence\n1,90,80,10\n2,80,70,10\n");
      }
    }
  }
  v1::Classifier& judge = *data.results.add_classifiers();
  judge.set_digest("judge");
  judge.set_classes(2);
  judge.set_test_accuracy(0.99);
  for (const int count : {495, 5, 5, 495}) judge.add_confusion(count);
  for (v1::ResultCell& cell : ComputeResults(data.runs, {judge}, /*include_runs=*/true)) {
    *data.results.add_cells() = std::move(cell);
  }
  return data;
}

inline StudyData ReportStudy(int iterations) {
  StudyData study;
  study.jobs.push_back(ReportJob("j1", iterations));
  study.request.add_job_ids("j1");
  *study.analysis.mutable_classifiers() = study.jobs.front().results.classifiers();
  study.server.set_version("0.1.0");
  study.time = absl::FromUnixSeconds(0);
  return study;
}

}  // namespace skew

#endif  // SKEW_TESTS_CLIENT_REPORT_STUDY_H_
