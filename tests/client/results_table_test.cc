#include "client/render/results_table.h"

#include <string>

#include "absl/strings/str_split.h"
#include "client/text.h"
#include "tests/client/testing.h"

namespace skew {
namespace {

constexpr char kResults[] = R"pb(
  job_id: 'j1'
  cells {
    model: 'dcgan'
    bias_point {
      counts { key: 0 value: 2000 }
      counts { key: 1 value: 250 }
    }
    runs_succeeded: 2
    runs_total: 2
    classes {
      class: 0
      trained_images: 2000
      trained_share: 0.8888888888888888
      generated { mean: 0.95 sd: 0.01 low: 0.86 high: 1.04 }
      amplification: 1.06875
    }
    classes {
      class: 1
      trained_images: 250
      trained_share: 0.1111111111111111
      generated { mean: 0.05 sd: 0.01 low: -0.04 high: 0.14 }
      amplification: 0.45
      corrected { mean: 0.045 sd: 0.01 low: 0 high: 0.14 }
      corrected_amplification: 0.405
      delta { mean: -0.865 }
      corrected_delta { mean: -0.976 }
      pacc { mean: 0.046 sd: 0.011 low: 0.01 high: 0.13 }
      cleam { mean: 0.047 sd: 0.012 low: 0.02 high: 0.12 }
      over_dispersion: 0.002
    }
    divergences { total_variation { mean: 0.0611 } }
    corrected_divergences { total_variation { mean: 0.066 } }
    rejected { mean: 0.125 }
    off_support { mean: 0.003 }
  }
  cells {
    model: 'vae'
    bias_point {
      counts { key: 0 value: 2000 }
      counts { key: 1 value: 250 }
    }
    runs_succeeded: 1
    runs_total: 2
    classes {
      class: 0
      trained_images: 2000
      trained_share: 0.8888888888888888
      generated { mean: 0.9 }
      amplification: 1.0125
    }
    classes {
      class: 1
      trained_images: 250
      trained_share: 0.1111111111111111
      generated { mean: 0.1 }
      amplification: 0.9
    }
    rejected { mean: 0 }
    off_support { mean: 0 }
  }
  cells {
    model: 'resample'
    bias_point {
      counts { key: 0 value: 2000 }
      counts { key: 1 value: 250 }
    }
    runs_total: 2
    classes { class: 0 trained_images: 2000 trained_share: 0.8888888888888888 }
    classes { class: 1 trained_images: 250 trained_share: 0.1111111111111111 }
  }
)pb";

TEST(ResultsTableTest, Text) {
  EXPECT_EQ(ResultsTable(Parse<v1::GetResultsResponse>(kResults)).ToText(),
            "model     bias point    class  train n  train %   generated %   95% interval  ampl.  rej. %  off %  runs\n"
            "dcgan     0:2000 1:250      0     2000    88.89  95.00 ± 1.00  86.00..104.00  1.069   12.50   0.30   2/2\n"
            "                            1      250    11.11   5.00 ± 1.00   -4.00..14.00  0.450\n"
            "vae       0:2000 1:250      0     2000    88.89         90.00              -  1.012    0.00   0.00   1/2\n"
            "                            1      250    11.11         10.00              -  0.900\n"
            "resample  0:2000 1:250      0     2000    88.89             -              -      -       -      -   0/2\n"
            "                            1      250    11.11             -              -      -\n");
}

TEST(ResultsTableTest, Csv) {
  EXPECT_EQ(
      ResultsTable(Parse<v1::GetResultsResponse>(kResults)).ToCsv(),
      "model,bias_point,class,trained_images,trained_share,generated_mean,generated_sd,generated_low,"
      "generated_high,amplification,rejected_share,off_support_share,corrected_mean,corrected_sd,"
      "corrected_low,corrected_high,corrected_amplification,delta,corrected_delta,over_dispersion,"
      "total_variation,corrected_total_variation,pacc_mean,pacc_sd,pacc_low,pacc_high,"
      "cleam_mean,cleam_sd,cleam_low,cleam_high,judges,judge_sd,corrected_judge_sd,runs_succeeded,runs_total,runs_"
      "counted\n"
      "dcgan,0:2000 "
      "1:250,0,2000,0.8888888888888888,0.95,0.01,0.86,1.04,1.06875,0.125,0.003,,,,,,,,,0.0611,0.066,,,,,,,,,1,,,2,2,\n"
      "dcgan,0:2000 "
      "1:250,1,250,0.1111111111111111,0.05,0.01,-0.04,0.14,0.45,0.125,0.003,0.045,0.01,0,0.14,0.405,-0.865,-0.976,0."
      "002,0.0611,0.066,0.046,0.011,0.01,0.13,0.047,0.012,0.02,0.12,1,,,2,2,\n"
      "vae,0:2000 1:250,0,2000,0.8888888888888888,0.9,,,,1.0125,0,0,,,,,,,,,,,,,,,,,,,1,,,1,2,\n"
      "vae,0:2000 1:250,1,250,0.1111111111111111,0.1,,,,0.9,0,0,,,,,,,,,,,,,,,,,,,1,,,1,2,\n"
      "resample,0:2000 1:250,0,2000,0.8888888888888888,,,,,,,,,,,,,,,,,,,,,,,,,,,,,0,2,\n"
      "resample,0:2000 1:250,1,250,0.1111111111111111,,,,,,,,,,,,,,,,,,,,,,,,,,,,,0,2,\n");
}

TEST(ResultsTableTest, CorrectedText) {
  EXPECT_EQ(
      CorrectedTable(Parse<v1::GetResultsResponse>(kResults)).ToText(),
      "model     bias point    class  train %  corrected %  95% interval  PACC %  ampl.   Delta      rho      TV\n"
      "dcgan     0:2000 1:250      0    88.89            -             -       -      -       -        -  0.0660\n"
      "                            1    11.11  4.50 ± 1.00   0.00..14.00    4.60  0.405  -0.976  0.00200\n"
      "vae       0:2000 1:250      0    88.89            -             -       -      -       -        -       -\n"
      "                            1    11.11            -             -       -      -       -        -\n"
      "resample  0:2000 1:250      0    88.89            -             -       -      -       -        -       -\n"
      "                            1    11.11            -             -       -      -       -        -\n");
}

TEST(ResultsTableTest, MarksCellsOfWhichNotAllRunsAreCounted) {
  auto results = Parse<v1::GetResultsResponse>(kResults);
  results.mutable_cells(0)->set_runs_counted(1);
  results.mutable_cells(1)->set_runs_counted(1);
  EXPECT_THAT(ResultsTable(results).ToText(), ::testing::HasSubstr("  2/2*\n"));
  EXPECT_THAT(ResultsTable(results).ToText(), ::testing::HasSubstr("   1/2\n"));
  EXPECT_THAT(ResultsTable(results).ToCsv(), ::testing::HasSubstr(",2,2,1\n"));
}

// The widest values that can come.
TEST(ResultsTableTest, FitsIn120Columns) {
  v1::GetResultsResponse results;
  for (const int count : {50, 50000}) {
    v1::ResultCell& cell = *results.add_cells();
    cell.set_model("resample#12345");
    for (int label = 0; label < 10; ++label) (*cell.mutable_bias_point()->mutable_counts())[label] = 50000;
    (*cell.mutable_bias_point()->mutable_counts())[1] = count;
    cell.set_runs_succeeded(1000);
    cell.set_runs_total(1000);
    cell.set_runs_counted(999);
    v1::ClassResult& one = *cell.add_classes();
    one.set_class_(1);
    one.set_trained_images(50000);
    one.set_trained_share(1);
    one.mutable_generated()->set_mean(1);
    one.mutable_generated()->set_sd(0.5);
    one.mutable_generated()->set_low(-0.2);
    one.mutable_generated()->set_high(1.2);
    one.set_amplification(1);
    cell.mutable_rejected()->set_mean(1);
    cell.mutable_off_support()->set_mean(1);
  }
  for (v1::ResultCell& cell : *results.mutable_cells()) {
    v1::ClassResult& one = *cell.mutable_classes(0);
    *one.mutable_corrected() = one.generated();
    *one.mutable_pacc() = one.generated();
    one.set_corrected_amplification(1000);
    one.mutable_corrected_delta()->set_mean(-20.5);
    one.mutable_delta()->set_mean(-20.5);
    one.set_over_dispersion(-0.00001);
    cell.mutable_corrected_divergences()->mutable_total_variation()->set_mean(1);
    cell.mutable_divergences()->mutable_total_variation()->set_mean(1);
  }
  for (const absl::string_view line : absl::StrSplit(CorrectedTable(results).ToText(), '\n')) {
    EXPECT_LE(DisplayWidth(line), 120) << line;
  }
  const std::string text = ResultsTable(results).ToText();
  for (const absl::string_view line : absl::StrSplit(text, '\n')) EXPECT_LE(DisplayWidth(line), 120) << line;
  EXPECT_THAT(text, ::testing::HasSubstr("1:50 ..."));
  EXPECT_THAT(text, ::testing::HasSubstr("1:50000 ..."));
}

}  // namespace
}  // namespace skew
