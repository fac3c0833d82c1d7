#include "client/render/measures_table.h"

#include <string>

#include "absl/strings/str_split.h"
#include "client/text.h"
#include "tests/client/testing.h"

namespace skew {
namespace {

constexpr char kMeasured[] = R"pb(
  cells {
    model: 'dcgan'
    bias_point {
      counts { key: 0 value: 2000 }
      counts { key: 1 value: 250 }
    }
    runs_succeeded: 2
    classes { class: 0 }
    classes { class: 1 }
    image_measures {
      measure: 'images'
      estimate { mean: 5000 sd: 0 }
      runs: 2
    }
    image_measures {
      measure: 'frechet'
      estimate { mean: 12.345 sd: 1.5 low: -1 high: 26 }
      runs: 2
    }
    image_measures {
      measure: 'vendi'
      estimate { mean: 4.5 }
      runs: 1
    }
    image_measures {
      measure: 'near_pairs'
      class: 1
      estimate { mean: 3 }
      runs: 1
    }
    image_measures {
      measure: 'support_low'
      class: 1
      estimate { mean: 33821.4 }
      runs: 1
    }
  }
  cells {
    model: 'vae'
    bias_point {
      counts { key: 0 value: 2000 }
      counts { key: 1 value: 250 }
    }
  }
)pb";

TEST(MeasuresTableTest, Text) {
  EXPECT_EQ(MeasuresTable(Parse<v1::GetResultsResponse>(kMeasured)).ToText(),
            "model  bias point     of     N  Frechet  kernel  prec.  rec.  cov.  Vendi  real  copies  support  runs\n"
            "dcgan  0:2000 1:250  all  5000    12.35       -      -     -     -   4.50     -       -        -     2\n"
            "                       0     -        -       -      -     -     -      -     -       -        -   0/2\n"
            "                       1     -        -       -      -     -     -      -     -       -   ≥33821   1/2\n");
}

TEST(MeasuresTableTest, SaysWhyRowsAreNotOfAllRuns) {
  auto results = Parse<v1::GetResultsResponse>(kMeasured);
  EXPECT_THAT(MeasuresNotes(results), ::testing::StartsWith("Where a class is not measured in all runs, the others had "
                                                            "fewer than 500 images accepted as it"));
  results.mutable_cells(0)->clear_classes();
  for (v1::MeasureResult& one : *results.mutable_cells(0)->mutable_image_measures()) one.set_runs(2);
  EXPECT_EQ(MeasuresNotes(results), "");
  EXPECT_EQ(MeasuresNotes({}), "");
}

TEST(MeasuresTableTest, SaysThatFewImagesWereMeasured) {
  const auto results = Parse<v1::GetResultsResponse>(
      "cells { image_measures { measure: 'images' estimate { mean: 200 } runs: 1 } runs_succeeded: 1 }");
  EXPECT_THAT(MeasuresNotes(results),
              ::testing::HasSubstr("not the usual 5000: with fewer, Frechet distances come out"));
}

TEST(MeasuresTableTest, CsvHasEveryMeasure) {
  EXPECT_EQ(AllMeasures(Parse<v1::GetResultsResponse>(kMeasured)).ToCsv(),
            "model,bias_point,class,measure,mean,sd,low,high,runs\n"
            "dcgan,0:2000 1:250,,images,5000,0,,,2\n"
            "dcgan,0:2000 1:250,,frechet,12.345,1.5,-1,26,2\n"
            "dcgan,0:2000 1:250,,vendi,4.5,,,,1\n"
            "dcgan,0:2000 1:250,1,near_pairs,3,,,,1\n"
            "dcgan,0:2000 1:250,1,support_low,33821.4,,,,1\n");
}

TEST(MeasuresTableTest, SaysWhatMeasuringTook) {
  auto results = Parse<v1::GetResultsResponse>(kMeasured);
  EXPECT_EQ(MeasuringText(results), "");
  for (const double seconds : {2.0, 5.0}) {
    v1::MeasureResult& took = *results.mutable_cells(seconds == 2 ? 0 : 1)->add_image_measures();
    took.set_measure("measuring_seconds");
    took.mutable_estimate()->set_mean(seconds);
    took.set_runs(seconds == 2 ? 2 : 1);
  }
  EXPECT_EQ(MeasuringText(results), "Measuring took 3.0 s a run, 9s in all.");
}

// The widest values that can come.
TEST(MeasuresTableTest, FitsIn120Columns) {
  v1::GetResultsResponse results;
  v1::ResultCell& cell = *results.add_cells();
  cell.set_model("resample#12345");
  cell.set_runs_succeeded(1000);
  for (int label = 0; label < 10; ++label) (*cell.mutable_bias_point()->mutable_counts())[label] = 50000;
  for (const MeasureColumn& column : MeasureColumns()) {
    v1::MeasureResult& measure = *cell.add_image_measures();
    measure.set_measure(column.measure);
    // Those with three and four decimals do not go far beyond 1.
    measure.set_runs(1000);
    measure.mutable_estimate()->set_mean(column.measure == "images" ? 5000
                                         : column.decimals == 0     ? 124750
                                         : column.decimals == 2     ? 124.75
                                                                    : 1.5);
  }
  for (const absl::string_view line : absl::StrSplit(MeasuresTable(results).ToText(), '\n')) {
    EXPECT_LE(DisplayWidth(line), 120) << line;
  }
}

}  // namespace
}  // namespace skew
