#include "client/render/judges_table.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "client/text.h"
#include "tests/client/testing.h"

namespace skew {
namespace {

constexpr char kJudged[] = R"pb(
  cells {
    model: 'vae'
    bias_point {
      counts { key: 0 value: 300 }
      counts { key: 1 value: 100 }
    }
    runs_succeeded: 2
    runs_total: 2
    classes {
      class: 0
      trained_images: 300
      trained_share: 0.75
      judge_spread { judges: 2 sd: 0.014 low: 0.74 high: 0.76 }
    }
    classes {
      class: 1
      trained_images: 100
      trained_share: 0.25
      judge_spread { judges: 2 sd: 0.014 low: 0.24 high: 0.26 }
    }
    judges {
      classifier_digest: '0123456789abcdef'
      runs: 2
      classes {
        class: 0
        generated { mean: 0.74 sd: 0.01 low: 0.65 high: 0.83 }
        corrected { mean: 0.75 low: 0.6 high: 0.9 }
      }
      classes {
        class: 1
        generated { mean: 0.26 sd: 0.01 low: 0.17 high: 0.35 }
        corrected { mean: 0.25 low: 0.1 high: 0.4 }
      }
      rejected { mean: 0.125 }
      off_support { mean: 0.01 }
    }
    judges {
      classifier_digest: 'fedcba9876543210'
      runs: 2
      classes {
        class: 0
        generated { mean: 0.76 }
      }
      classes {
        class: 1
        generated { mean: 0.24 }
      }
      rejected { mean: 0.25 }
      off_support { mean: 0 }
    }
  }
  cells {
    model: 'resample'
    bias_point { counts { key: 0 value: 300 } }
    classes { class: 0 trained_images: 300 trained_share: 1 }
  }
  classifiers {
    digest: '0123456789abcdef'
    test_accuracy: 0.99
    spec { epochs: 4 seed: 1 }
  }
)pb";

TEST(JudgesTableTest, Text) {
  EXPECT_EQ(JudgesTable(Parse<v1::GetResultsResponse>(kJudged)).ToText(),
            "model  bias point   class  judge      generated %  corrected %  95% interval  rej. %  off %  runs\n"
            "vae    0:300 1:100      0  01234567  74.00 ± 1.00        75.00  60.00..90.00   12.50   1.00     2\n"
            "                           fedcba98         76.00            -             -   25.00   0.00     2\n"
            "                        1  01234567  26.00 ± 1.00        25.00  10.00..40.00\n"
            "                           fedcba98         24.00            -             -\n");
}

TEST(JudgesTableTest, Csv) {
  EXPECT_EQ(AllJudges(Parse<v1::GetResultsResponse>(kJudged)).ToCsv(),
            "model,bias_point,class,trained_share,judge,judge_epochs,judge_seed,judge_test_accuracy,generated_mean,"
            "generated_sd,generated_low,generated_high,corrected_mean,corrected_sd,corrected_low,corrected_high,"
            "rejected_share,off_support_share,runs\n"
            "vae,0:300 1:100,0,0.75,0123456789abcdef,4,1,0.99,0.74,0.01,0.65,0.83,0.75,,0.6,0.9,0.125,0.01,2\n"
            "vae,0:300 1:100,0,0.75,fedcba9876543210,,,,0.76,,,,,,,,0.25,0,2\n"
            "vae,0:300 1:100,1,0.25,0123456789abcdef,4,1,0.99,0.26,0.01,0.17,0.35,0.25,,0.1,0.4,0.125,0.01,2\n"
            "vae,0:300 1:100,1,0.25,fedcba9876543210,,,,0.24,,,,,,,,0.25,0,2\n");
}

TEST(JudgesTableTest, ASentenceSaysHowFarTheyAreApart) {
  EXPECT_EQ(JudgesSentence(Parse<v1::GetResultsResponse>(kJudged)),
            "The 2 judges differ by up to 2.00 percentage points in a mean share (vae, 0:300 1:100, class 0).");
  EXPECT_EQ(JudgesSentence({}), "");
}

// The widest values that can come.
TEST(JudgesTableTest, FitsIn120Columns) {
  auto results = Parse<v1::GetResultsResponse>(kJudged);
  v1::ResultCell& cell = *results.mutable_cells(0);
  cell.set_model("resample#12345");
  for (int label = 0; label < 10; ++label) (*cell.mutable_bias_point()->mutable_counts())[label] = 50000;
  for (v1::JudgeResult& judge : *cell.mutable_judges()) {
    judge.set_runs(1000);
    judge.mutable_rejected()->set_mean(1);
    judge.mutable_off_support()->set_mean(1);
    for (v1::JudgeClassResult& one : *judge.mutable_classes()) {
      one.mutable_generated()->set_mean(1);
      one.mutable_generated()->set_sd(0.5);
      *one.mutable_corrected() = one.generated();
      one.mutable_corrected()->set_low(0);
      one.mutable_corrected()->set_high(1);
    }
  }
  for (const absl::string_view line : absl::StrSplit(JudgesTable(results).ToText(), '\n')) {
    EXPECT_LE(DisplayWidth(line), 120) << line;
  }
}

TEST(JudgesTableTest, SaysHowAJudgeWasTrained) {
  EXPECT_EQ(JudgeTrainingText(Parse<v1::Classifier>("spec { epochs: 1 seed: 7 }")), "1 epoch, seed 7");
  EXPECT_EQ(JudgeTrainingText(Parse<v1::Classifier>("spec { epochs: 4 }")), "4 epochs, seed 0");
  EXPECT_EQ(JudgeTrainingText({}), "");
}

}  // namespace
}  // namespace skew
