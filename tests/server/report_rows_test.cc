#include "server/store/report_rows.h"

#include <gtest/gtest.h>

#include <optional>
#include <string>

#include "google/protobuf/text_format.h"
#include "tests/testing/test_store.h"

namespace skew {
namespace {

class ReportRowsTest : public ::testing::Test {
 protected:
  ReportRowsTest() { store_.MustSubmit(TestStore::Study(1)); }

  // What the first report of a new attempt is answered with: that of the classifier's training.
  absl::Status Report(const std::string& text) {
    if (!claim_.has_value()) claim_ = store_.ClaimNext("token");
    worker::v1::Report report;
    EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &report)) << text;
    report.set_number(1);
    return store_.runs().ApplyReport(claim_->attempt, report);
  }

  TestStore store_;
  std::optional<Claim> claim_;
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
  EXPECT_TRUE(Report("finished { classifier { classes: 2 confusion: [1, 0, 0, 1] } }").ok());
}

}  // namespace
}  // namespace skew
