#include <string>

#include "client/report/page.h"
#include "tests/client/report_study.h"
#include "tests/client/testing.h"

namespace skew {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

TEST(ReportClaimsTest, ClaimsSayWhatTheyAreAndWhatIsNotTested) {
  const auto analysis = Parse<v1::AnalyseJobsResponse>(R"pb(
    findings {
      claim: 'H1'
      part: 'slope'
      arm: 'dcgan'
      class: 1
      effect_name: 'beta'
      null_effect: 1
      margin: 0.1
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
        adjusted_equivalence_p: 0.75
        verdict: SUPPORTED
      }
      corrected {
        effect: 1.2
        low: 0.95
        high: 1.45
        p: 0.06
        adjusted_p: 0.12
        adjusted_equivalence_p: 0.8
        verdict: UNDECIDED
        units_needed: 9
      }
    }
    findings {
      claim: 'H6'
      part: 'first batches'
      raw { verdict: UNDECIDED }
      note: 'needs runs'
    }
  )pb");
  const std::string html = ClaimsHtml(analysis);
  EXPECT_THAT(html, HasSubstr("<b>H1</b> Bias is magnified"));
  EXPECT_THAT(html, HasSubstr("dcgan, class 1"));
  EXPECT_THAT(html, HasSubstr("1.250<br><small>1.050 .. 1.450</small><br><small>t = 3.500</small>"));
  EXPECT_THAT(html, HasSubstr("0.0400<br><small>(0.0200)</small></td>"));
  EXPECT_THAT(html, HasSubstr("0.1200<br><small>(0.0600)</small><br><small>equiv. 0.8000</small></td>"));
  EXPECT_THAT(html, HasSubstr("<dt>beta</dt><dd>slope of the logit of generated shares on that of trained shares"));
  EXPECT_THAT(html, HasSubstr("if not so: 1 &plusmn; 0.1</small>"));
  EXPECT_THAT(html, HasSubstr("class=\"verdict supported\">&#10003; supported</span>"));
  EXPECT_THAT(html, HasSubstr("would take 9"));
  EXPECT_THAT(html, HasSubstr("<h3>Not tested</h3>"));
  EXPECT_THAT(html, HasSubstr("<b>H6</b> First batches steer what is generated: needs runs"));
}

// Of a GAN, a VAE, both of them, and of what trains nothing.
v1::AnalyseJobsResponse SomeFindings() {
  return Parse<v1::AnalyseJobsResponse>(R"pb(
    findings {
      claim: 'H1'
      part: 'slope'
      arm: 'dcgan'
      effect_name: 'beta'
      null_effect: 1
      raw { effect: 1.25 low: 1.05 high: 1.45 p: 0.02 verdict: SUPPORTED }
    }
    findings {
      claim: 'H1'
      part: 'slope'
      arm: 'resample'
      untrained: true
      effect_name: 'beta'
      null_effect: 1
      raw { effect: -0.0152 low: -0.0171 high: -0.0136 p: 0.6 verdict: PRESERVED }
    }
    findings {
      claim: 'H1'
      part: 'slope'
      arm: 'vae'
      effect_name: 'beta'
      null_effect: 1
      raw { effect: 0.75 p: 0.02 verdict: OPPOSITE }
    }
    findings {
      claim: 'H2'
      part: 'erratic'
      arm: 'dcgan'
      against: 'vae'
      effect_name: 'sd ratio'
      null_effect: 1
      raw { effect: 2.5 p: 0.01 verdict: SUPPORTED }
    }
    findings {
      claim: 'H5'
      part: 'predictability'
      arm: 'vae'
      raw { verdict: UNDECIDED }
      note: 'needs points'
    }
  )pb");
}

TEST(ReportClaimsTest, WhatTrainsNothingStandsApart) {
  const std::string html = ClaimsHtml(SomeFindings());
  const size_t heading = html.find("Check of the instrument");
  ASSERT_NE(heading, std::string::npos);
  EXPECT_LT(html.find("<td>vae</td>"), heading);
  EXPECT_GT(html.find("<td>resample</td>"), heading);
  EXPECT_THAT(html, HasSubstr("<td>dcgan &divide; vae</td>"));
  v1::AnalyseJobsResponse analysis = SomeFindings();
  analysis.mutable_findings()->DeleteSubrange(1, 1);
  EXPECT_THAT(ClaimsHtml(analysis), Not(HasSubstr("Check of the instrument")));
}

TEST(ReportClaimsTest, AtAGlanceThereIsARowForAClaimAndAColumnForAModel) {
  const std::string html = ClaimsOverviewHtml(SomeFindings());
  EXPECT_THAT(html, HasSubstr("<tr><th scope=\"col\">claim</th><th scope=\"col\">dcgan</th><th scope=\"col\">vae</th>"
                              "<th scope=\"col\">dcgan against vae</th><th scope=\"col\">resample</th></tr>"));
  EXPECT_THAT(html, HasSubstr("&#10003; supported</span><br>1.25 <small>(1.05 .. 1.45)</small></td>"
                              "<td><span class=\"verdict opposite\">"));
  EXPECT_THAT(html, HasSubstr("-0.015 <small>(-0.017 .. -0.014)</small>")) << "small ones have more digits";
  EXPECT_THAT(html, Not(HasSubstr("H5"))) << "it was not tested";
}

TEST(ReportClaimsTest, ManyModelsHaveNoRoomBesideEachOther) {
  v1::AnalyseJobsResponse analysis = SomeFindings();
  for (const char* const arm : {"a", "b", "c"}) {
    *analysis.add_findings() = analysis.findings(0);
    analysis.mutable_findings()->rbegin()->set_arm(arm);
  }
  EXPECT_EQ(ClaimsOverviewHtml(analysis), "");
  EXPECT_EQ(ClaimsOverviewHtml({}), "");
}

TEST(ReportClaimsTest, TheSummarySaysWhatWasDone) {
  StudyData data = ReportStudy(3);
  v1::JobSpec& spec = *data.jobs.front().job.mutable_spec();
  spec.mutable_training()->set_steps(200);
  spec.mutable_generation()->set_images(1100);
  const std::string html = SummaryHtml(data);
  EXPECT_THAT(html, HasSubstr("<b>dcgan</b> and <b>vae</b> were trained on images of mnist"));
  EXPECT_THAT(html, HasSubstr("which differ in class 1: 100, 300 images of it (in all of them: class 0: 900)"));
  EXPECT_THAT(html, HasSubstr("trained 3 times for 200 updates, always from another seed and on other images."));
  EXPECT_THAT(html,
              HasSubstr("1100 images were generated, and a classifier, the <i>judge</i>, which is right on 99.00%"));
  // 60 rejected and 40 of other classes, of 1,100.
  EXPECT_THAT(html, HasSubstr(": dcgan 9.1%, vae 9.1%"));
  EXPECT_THAT(html, Not(HasSubstr("null arm")));
  spec.mutable_bias()->set_draw(v1::PER_JOB);
  EXPECT_THAT(SummaryHtml(data), HasSubstr("and on the same images."));
  data.jobs.front().results.mutable_cells(0)->set_runs_succeeded(2);
  spec.set_iterations(5);
  EXPECT_THAT(SummaryHtml(data), HasSubstr("trained 2 to 3 times (5 were asked for) for 200 updates"));
  spec.mutable_stop();
  EXPECT_THAT(SummaryHtml(data), HasSubstr("trained 2 to 3 times (5 at most) for 200 updates"));
  for (v1::ResultCell& cell : *data.jobs.front().results.mutable_cells()) {
    if (cell.model_index() == 1) cell.set_model("resample");
  }
  EXPECT_THAT(SummaryHtml(data), HasSubstr("<b>resample</b> trains nothing: it draws real images"));
}

}  // namespace
}  // namespace skew
