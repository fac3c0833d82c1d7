#include "server/workers/report_limits.h"

#include <gtest/gtest.h>

#include <functional>
#include <string>
#include <vector>

namespace skew {
namespace {

using worker::v1::Report;

Report Ordinary() {
  Report report;
  report.set_number(7);
  (*report.mutable_progress()->mutable_metrics())["loss_d"] = 0.5;
  return report;
}

TEST(ReportLimitsTest, WhatWorkersSendIsTaken) {
  EXPECT_TRUE(CheckReport(Ordinary(), {}).ok());
  Report artifact;
  artifact.mutable_artifact()->set_file("samples-100.png");
  artifact.mutable_artifact()->set_name("samples-100.png");
  artifact.mutable_artifact()->set_digest(std::string(64, 'a'));
  EXPECT_TRUE(CheckReport(artifact, {}).ok());
  Report failed;
  failed.mutable_failed()->set_message(std::string(4096, 'x'));
  EXPECT_TRUE(CheckReport(failed, {}).ok());
}

TEST(ReportLimitsTest, WhatNoWorkerSendsIsNot) {
  const std::string text(100'000, 'x');
  const std::vector<std::function<void(Report&)>> changes = {
      [&](Report& report) { report.set_number(2'000'001); },
      [&](Report& report) { report.mutable_started()->set_manifest_digest(text); },
      [&](Report& report) { (*report.mutable_progress()->mutable_metrics())[text] = 1; },
      [&](Report& report) {
        for (int i = 0; i < 2000; ++i) (*report.mutable_progress()->mutable_metrics())[std::to_string(i)] = 1;
      },
      [&](Report& report) {
        for (int i = 0; i < 2000; ++i) (*report.mutable_histogram()->mutable_counts())[i] = 1;
      },
      [&](Report& report) {
        for (int i = 0; i < 40'000; ++i) report.mutable_histogram()->add_mean_posterior(0.1);
      },
      [&](Report& report) { report.mutable_histogram()->set_classifier_digest(text); },
      [&](Report& report) { report.mutable_artifact()->set_file("../../skew.db"); },
      [&](Report& report) { report.mutable_artifact()->set_file(""); },
      [&](Report& report) { report.mutable_artifact()->set_file(text); },
      [&](Report& report) {
        report.mutable_artifact()->set_file("a");
        report.mutable_artifact()->set_name(text);
      },
      [&](Report& report) { report.mutable_failed()->set_message(text); },
  };
  for (size_t i = 0; i < changes.size(); ++i) {
    Report report = Ordinary();
    changes[i](report);
    EXPECT_TRUE(absl::IsInvalidArgument(CheckReport(report, {}))) << i;
  }
}

}  // namespace
}  // namespace skew
