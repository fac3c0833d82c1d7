#include "server/workers/report_check.h"

#include <gmock/gmock.h>
#include <google/protobuf/text_format.h>
#include <gtest/gtest.h>

#include <string>

namespace skew {
namespace {

absl::Status Check(const std::string& text) {
  worker::v1::Report report;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &report)) << text;
  return CheckReport(report);
}

const std::string kDigest(64, 'a');

TEST(ReportCheckTest, WhatWorkersSendIsRight) {
  for (const std::string& text : {
           std::string("number: 1 started { manifest_digest: 'abc' precision: BF16 }"),
           std::string("number: 2 progress { step: 3 total_steps: 9 metrics { key: 'loss_d' value: 0.5 } }"),
           std::string("number: 3 histogram { images: 2 counts { key: 0 value: 1 } rejected: 1 }"),
           "number: 4 artifact { file: 'samples.png' name: 'samples.png' size_bytes: 3 digest: '" + kDigest + "' }",
           std::string("number: 5 finished {}"),
           std::string("number: 5 failed { reason: NUMERIC message: 'nan' }"),
           std::string("number: 5 stopped { checkpoint_step: 7 }"),
       }) {
    const absl::Status status = Check(text);
    EXPECT_TRUE(status.ok()) << text << ": " << status;
  }
}

TEST(ReportCheckTest, WhatCannotBeIsNamed) {
  for (const auto& [text, field] : std::vector<std::pair<std::string, std::string>>{
           {"number: 0 finished {}", "number: '0'"},
           {"number: 1", "is empty"},
           {"number: 1 started { resumed_step: -1 }", "started.resumed_step"},
           {"number: 1 progress { step: -1 }", "progress.step"},
           {"number: 1 progress { metrics { key: '\\001' value: 1 } }", "progress.metrics"},
           {"number: 1 histogram { images: -1 }", "histogram.images"},
           {"number: 1 histogram { rejected: -1 }", "histogram.rejected"},
           {"number: 1 histogram { counts { key: -3 value: 1 } }", "class"},
           {"number: 1 histogram { counts { key: 3 value: -1 } }", "counts of class 3"},
           {"number: 1 artifact { file: '../x' name: 'x' digest: '" + kDigest + "' }", "artifact.file"},
           {"number: 1 artifact { file: '.x' name: 'x' digest: '" + kDigest + "' }", "artifact.file"},
           {"number: 1 artifact { file: 'x' name: '' digest: '" + kDigest + "' }", "artifact.name"},
           {"number: 1 artifact { file: 'x' name: 'x' digest: 'abc' }", "artifact.digest"},
           {"number: 1 artifact { file: 'x' name: 'x' size_bytes: -1 digest: '" + kDigest + "' }", "size_bytes"},
           {"number: 1 failed { reason: CANCEL_REQUESTED }", "failed.reason"},
           {"number: 1 failed { reason: TIMEOUT }", "failed.reason"},
           {"number: 1 stopped { checkpoint_step: -1 }", "checkpoint_step"},
       }) {
    const absl::Status status = Check(text);
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << text;
    EXPECT_THAT(std::string(status.message()), ::testing::HasSubstr(field)) << text;
  }
}

TEST(ReportCheckTest, NothingIsWithoutEnd) {
  worker::v1::Report report;
  report.set_number(1);
  for (int i = 0; i < 1000; ++i) (*report.mutable_progress()->mutable_metrics())[std::to_string(i)] = 1;
  EXPECT_FALSE(CheckReport(report).ok());
  report.mutable_progress()->clear_metrics();
  report.set_number(2'000'001);
  EXPECT_FALSE(CheckReport(report).ok());
  report.set_number(1);
  EXPECT_TRUE(CheckReport(report).ok());
  const std::string text(100'000, 'x');
  (*report.mutable_progress()->mutable_metrics())[text] = 1;
  EXPECT_FALSE(CheckReport(report).ok());
  report.mutable_started()->set_manifest_digest(text);
  EXPECT_FALSE(CheckReport(report).ok());
  report.mutable_histogram()->set_classifier_digest(text);
  EXPECT_FALSE(CheckReport(report).ok());
  report.mutable_histogram()->clear_classifier_digest();
  EXPECT_TRUE(CheckReport(report).ok());
  for (int i = 0; i < 40'000; ++i) report.mutable_histogram()->add_mean_posterior(0.1);
  EXPECT_FALSE(CheckReport(report).ok());
  report.mutable_failed()->set_reason(v1::INTERNAL);
  report.mutable_failed()->set_message(std::string(1 << 20, 'x'));
  EXPECT_FALSE(CheckReport(report).ok());
}

}  // namespace
}  // namespace skew
