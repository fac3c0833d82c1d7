#include "server/store/report_rows.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>
#include <string>

#include "google/protobuf/text_format.h"
#include "tests/testing/test_store.h"

namespace skew {
namespace {

using ::testing::HasSubstr;

class ReportRowsTest : public ::testing::Test {
 protected:
  ReportRowsTest() { store_.MustSubmit(TestStore::Study(1)); }

  // What a report of the first attempt is answered with: that of the classifier's training.
  absl::Status Report(const std::string& text, int64_t number = 1) {
    if (!claim_.has_value()) claim_ = store_.ClaimNext("token " + std::to_string(++claims_));
    worker::v1::Report report;
    EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &report)) << text;
    report.set_number(number);
    return store_.runs().ApplyReport(claim_->attempt, report);
  }

  TestStore store_;
  std::optional<Claim> claim_;
  int claims_ = 0;
};

TEST_F(ReportRowsTest, RefusesCountsBelowZeroThatAddUp) {
  EXPECT_TRUE(absl::IsInvalidArgument(
      Report("histogram { images: 5 counts { key: 0 value: 9 } counts { key: 1 value: -4 } }")));
  EXPECT_TRUE(absl::IsInvalidArgument(Report("histogram { images: 5 counts { key: 0 value: 9 } rejected: -4 }")));
  EXPECT_TRUE(Report("histogram { images: 5 counts { key: 0 value: 5 } counts { key: 1 value: 0 } }").ok());
}

TEST_F(ReportRowsTest, RefusesAJudgeWhoseNumbersAreNoMatrices) {
  for (const char* judge :
       {"classes: 2 confusion: [1, 0, 1]", "classes: -1", "classes: 257", "classes: 2 confusion: [1, 0, 0, -1]",
        "classes: 2 confusion: [1, 0, 0, 1] test_confusion: 1",
        "classes: 2 confusion: [1, 0, 0, 1] mean_posteriors: [1, 0, 0, inf]",
        "classes: 2 confusion: [1, 0, 0, 1] mean_posteriors: [nan, 0, 0, 1]",
        "classes: 2 confusion: [1, 0, 0, 1] mean_posteriors: [1]",
        "classes: 2 confusion: [1, 0, 0, 1] confidences: [1]", "classes: 2 confusion: [1, 0, 0, 1] confidences: [1, 2]",
        "classes: 2 confusion: [1, 0, 0, 1] confidences: [1, nan]"}) {
    EXPECT_TRUE(absl::IsInvalidArgument(Report(std::string("finished { classifier { ") + judge + " } }"))) << judge;
  }
  EXPECT_TRUE(store_.jobs().ListClassifiers()->empty());
}

// Or every study with that judge would wait for them for good.
TEST_F(ReportRowsTest, RefusesAJudgeWithoutWeights) {
  const char finished[] = "finished { classifier { digest: 'judge' classes: 2 confusion: [1, 0, 0, 1] } }";
  const absl::Status refused = Report(finished);
  EXPECT_TRUE(absl::IsInvalidArgument(refused));
  EXPECT_THAT(std::string(refused.message()), HasSubstr("classifier.pt, were not handed over"));
  EXPECT_TRUE(store_.jobs().ListClassifiers()->empty());
  EXPECT_TRUE(Report("artifact { name: 'classifier.pt' digest: 'weights' }").ok());
  EXPECT_TRUE(Report(finished, 2).ok());
  EXPECT_EQ(store_.jobs().ListClassifiers()->size(), 1u);
}

TEST_F(ReportRowsTest, RefusesAJudgeFromARunThatTrainsNone) {
  ASSERT_TRUE(Report("started {}").ok());
  ASSERT_TRUE(Report("artifact { name: 'classifier.pt' digest: 'weights' }", 2).ok());
  ASSERT_TRUE(Report("finished { classifier { digest: 'judge' classes: 2 confusion: [1, 0, 0, 1] } }", 3).ok());
  ASSERT_TRUE(store_.runs()
                  .EndAttempt(claim_->attempt,
                              [](const AttemptFacts&) {
                                return AttemptEnd{v1::SUCCEEDED, v1::REASON_UNSPECIFIED, ""};
                              })
                  .ok());
  claim_.reset();  // the next is the study's
  ASSERT_TRUE(Report("artifact { name: 'classifier.pt' digest: 'others' }").ok());
  const absl::Status refused =
      Report("finished { classifier { digest: 'other' classes: 2 confusion: [1, 0, 0, 1] } }", 2);
  EXPECT_TRUE(absl::IsInvalidArgument(refused));
  EXPECT_THAT(std::string(refused.message()), HasSubstr("j2.1 trains none"));
  EXPECT_EQ(store_.jobs().ListClassifiers()->at(0).digest(), "judge");
}

}  // namespace
}  // namespace skew
