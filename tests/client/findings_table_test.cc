#include "client/render/findings_table.h"

#include <string>

#include "absl/strings/str_split.h"
#include "client/text.h"
#include "tests/client/testing.h"

namespace skew {
namespace {

constexpr char kAnalysis[] = R"pb(
  job_ids: 'j1'
  runs: 70
  alpha: 0.05
  findings {
    claim: 'H1'
    part: 'slope'
    arm: 'dcgan'
    class: 1
    effect_name: 'beta'
    null_effect: 1
    margin: 0.1
    predicted: 1
    units: 5
    unit: 'iterations'
    raw {
      statistic_name: 't'
      statistic: 3.5
      effect: 1.25
      low: 1.05
      high: 1.45
      p: 0.02
      adjusted_p: 0.04
      equivalence_p: 0.9
      adjusted_equivalence_p: 1
      verdict: SUPPORTED
    }
    corrected {
      statistic_name: 't'
      statistic: 2.5
      effect: 1.2
      low: 0.95
      high: 1.45
      p: 0.06
      adjusted_p: 0.12
      equivalence_p: 0.9
      adjusted_equivalence_p: 1
      verdict: UNDECIDED
      units_needed: 9
    }
    note: 'read with care'
  }
  findings {
    claim: 'H2'
    part: 'bias'
    arm: 'dcgan'
    against: 'vae'
    effect_name: 'squared distance difference'
    units: 35
    unit: 'pairs'
    raw { statistic_name: 'W+' statistic: 600 effect: 0.05 p: 1e-9 adjusted_p: 2e-9 verdict: SUPPORTED }
  }
  findings {
    claim: 'H6'
    part: 'first batches'
    raw { verdict: UNDECIDED }
    note: 'needs runs'
  }
  notes: 'corrected values suppose something'
)pb";

TEST(FindingsTableTest, Text) {
  EXPECT_EQ(
      FindingsTable(Parse<v1::AnalyseJobsResponse>(kAnalysis)).ToText(),
      "claim             arm          cl.  shares  effect  95% interval  adj. p  verdict            over  needed\n"
      "H1 slope          dcgan          1  raw      1.250  1.050..1.450  0.0400  SUPPORTED  5 iterations\n"
      "                                    corr.    1.200  0.950..1.450  0.1200  UNDECIDED                     9\n"
      "H2 bias           dcgan - vae       raw      0.050             -  <.0001  SUPPORTED      35 pairs\n"
      "H6 first batches                    raw          -             -       -  UNDECIDED             -\n");
}

TEST(FindingsTableTest, Csv) {
  EXPECT_EQ(
      FindingsTable(Parse<v1::AnalyseJobsResponse>(kAnalysis)).ToCsv(),
      "claim,part,arm,against,class,shares,effect_name,null_effect,margin,predicted,statistic_name,statistic,effect,"
      "effect_low,effect_high,p,adjusted_p,equivalence_p,adjusted_equivalence_p,verdict,units,unit,units_needed,"
      "note\n"
      "H1,slope,dcgan,,1,raw,beta,1,0.1,1,t,3.5,1.25,1.05,1.45,0.02,0.04,0.9,1,SUPPORTED,5,iterations,,"
      "read with care\n"
      "H1,slope,dcgan,,1,corrected,beta,1,0.1,1,t,2.5,1.2,0.95,1.45,0.06,0.12,0.9,1,UNDECIDED,5,iterations,9,"
      "read with care\n"
      "H2,bias,dcgan,vae,,raw,squared distance difference,0,0,0,W+,600,0.05,,,1e-09,2e-09,,,SUPPORTED,35,pairs,,\n"
      "H6,first batches,,,,raw,,0,0,0,,,,,,,,,,UNDECIDED,0,,,needs runs\n");
}

TEST(FindingsTableTest, TestsStandSideBySide) {
  auto analysis = Parse<v1::AnalyseJobsResponse>(kAnalysis);
  EXPECT_EQ(TestsTable(analysis).ToText(),
            "claim     arm          cl.  statistic      raw       p  equiv.  corr.       p  equiv.\n"
            "H1 slope  dcgan          1  t            3.500  0.0200  1.0000  2.500  0.0600  1.0000\n"
            "H2 bias   dcgan - vae       W+         600.000  <.0001       -      -       -       -\n");
  // Why a finding is PRESERVED, though its p-value is not small.
  v1::ClaimTest& raw = *analysis.mutable_findings(0)->mutable_raw();
  raw.set_statistic_name("log variance ratio");
  raw.set_p(0.7);
  raw.set_equivalence_p(0.001);
  raw.set_adjusted_equivalence_p(0.0123);
  raw.set_verdict(v1::PRESERVED);
  EXPECT_THAT(TestsTable(analysis).ToText(), ::testing::HasSubstr("log var. ratio    3.500  0.7000  0.0123"));
}

TEST(FindingsTableTest, Notes) {
  EXPECT_EQ(
      FindingsNotes(Parse<v1::AnalyseJobsResponse>(kAnalysis)),
      "H1 slope (dcgan): read with care\n"
      "H6 first batches: needs runs\n"
      "corrected values suppose something\n"
      "p: two-sided; adj. p: the same after Holm (findings of untrained models apart); below 0.05 the effect is "
      "SUPPORTED or OPPOSITE\n"
      "equiv.: p-value, after Holm, of an effect outside the margin around none; below 0.05 the effect is PRESERVED\n"
      "All of it from 70 runs that have succeeded with an accepted image.\n");
}

TEST(FindingsTableTest, TheLegendSaysWhatEachClaimMeans) {
  auto analysis = Parse<v1::AnalyseJobsResponse>(kAnalysis);
  *analysis.add_findings() = analysis.findings(0);  // of another arm
  analysis.mutable_findings()->rbegin()->set_arm("vae");
  EXPECT_EQ(
      ClaimsLegend(analysis),
      "H1 slope: bias is magnified: rare classes become rarer; beta: slope of the logit of generated shares on that of"
      " trained shares, over the bias points; 1 if not so\n"
      "H2 bias: the GAN is further from the training shares than the VAE; squared distance difference: squared"
      " distance (L2) of the mean shares over iterations from the training shares, of one less that of the other; 0 if "
      "not so\n"
      "H6 first batches: first batches steer what is generated\n"
      "effect: how large what is claimed came out, with its 95% interval; over: the independent values that it "
      "rests on;\n"
      "needed: how many of them would decide it, were it as large as it looks\n");
}

TEST(FindingsTableTest, AQuotientIsNoDifference) {
  auto analysis = Parse<v1::AnalyseJobsResponse>(kAnalysis);
  analysis.mutable_findings(1)->set_effect_name("sd ratio");
  EXPECT_THAT(FindingsTable(analysis).ToText(), ::testing::HasSubstr("dcgan / vae"));
}

TEST(FindingsTableTest, OneIsNotMany) {
  auto analysis = Parse<v1::AnalyseJobsResponse>(kAnalysis);
  analysis.set_runs(1);
  analysis.mutable_findings(0)->set_units(1);
  EXPECT_THAT(FindingsTable(analysis).ToText(), ::testing::HasSubstr(" 1 iteration\n"));
  EXPECT_THAT(FindingsNotes(analysis), ::testing::HasSubstr("1 run that has succeeded"));
}

TEST(FindingsTableTest, FitsIn120Columns) {
  v1::AnalyseJobsResponse analysis;
  v1::Finding& finding = *analysis.add_findings();
  finding.set_claim("H5");
  finding.set_part("predictability");
  finding.set_arm("dcgan#12345 minority first (j12345)");
  finding.set_against("vae_mlp");
  finding.set_class_(9);
  finding.set_units(1000);
  finding.set_unit("iterations");
  finding.mutable_raw()->set_p(0.5);
  finding.mutable_raw()->set_adjusted_p(0.5);
  finding.mutable_raw()->set_effect(-10.123);
  finding.mutable_raw()->set_low(-100.123);
  finding.mutable_raw()->set_high(-10.123);
  finding.mutable_raw()->set_verdict(v1::UNDECIDED);
  finding.mutable_raw()->set_units_needed(100000);
  finding.mutable_raw()->set_statistic_name("log variance ratio");
  finding.mutable_raw()->set_statistic(-62500.5);
  finding.mutable_raw()->set_adjusted_equivalence_p(0.5);
  *finding.mutable_corrected() = finding.raw();
  for (const std::string& text : {FindingsTable(analysis).ToText(), TestsTable(analysis).ToText()}) {
    for (const absl::string_view line : absl::StrSplit(text, '\n')) EXPECT_LE(DisplayWidth(line), 120) << line;
  }
}

}  // namespace
}  // namespace skew
