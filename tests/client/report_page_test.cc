#include <map>
#include <string>
#include <vector>

#include "client/report/csv.h"
#include "client/report/html.h"
#include "client/report/page.h"
#include "tests/client/report_study.h"
#include "tests/client/testing.h"

namespace skew {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

std::string Page(const StudyData& data) {
  const std::vector<Figure> figures = StudyFigures(data);
  std::map<std::string, std::string> svgs;
  for (const Figure& figure : figures) svgs[figure.name] = "<svg width=\"1\">" + figure.name + "</svg>";
  return ReportPage(data, figures, svgs);
}

TEST(HtmlTest, EscapesWhatMeansSomething) {
  EXPECT_EQ(HtmlText("<a href=\"x\">'&'</a>"), "&lt;a href=&quot;x&quot;&gt;&#39;&amp;&#39;&lt;/a&gt;");
  EXPECT_EQ(HtmlText("two\nlines, \x01 and \xff"), "two\nlines, ? and ?");
}

TEST(HtmlTest, DataUri) { EXPECT_EQ(DataUri("image/png", "abc"), "data:image/png;base64,YWJj"); }

TEST(ReportPageTest, TextOfUsersIsOnlyText) {
  const std::string hostile = "<script>alert('x')</script>\"><img src=x onerror=alert(1)>";
  StudyData data = ReportStudy(2);
  v1::Job& job = data.jobs.front().job;
  job.mutable_spec()->set_name(hostile);
  job.set_owner(hostile);
  job.set_message(hostile);
  job.set_state(v1::JOB_FAILED);
  (*job.mutable_spec()->mutable_labels())[hostile] = hostile;
  v1::Run& run = data.jobs.front().runs.front();
  run.set_state(v1::FAILED);
  run.set_message(hostile);
  run.set_device(hostile);
  data.analysis.add_notes(hostile);
  v1::Finding& finding = *data.analysis.add_findings();
  finding.set_claim(hostile);
  finding.set_arm(hostile);
  finding.set_note(hostile);
  finding.mutable_raw()->set_p(0.5);
  data.server.set_build(hostile);
  const std::string page = Page(data);
  EXPECT_THAT(page, Not(HasSubstr("<script")));
  EXPECT_THAT(page, Not(HasSubstr("<img src=x")));
  EXPECT_THAT(page, HasSubstr("&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;&quot;&gt;&lt;img"));
}

TEST(ReportPageTest, LoadsNothing) {
  const std::string page = Page(ReportStudy(2));
  EXPECT_THAT(page,
              HasSubstr("<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; img-src data:;"));
  EXPECT_THAT(page, Not(HasSubstr("http:")));
  EXPECT_THAT(page, Not(HasSubstr("https:")));
  EXPECT_THAT(page, Not(HasSubstr("<script")));
}

TEST(ReportPageTest, TilesAndPaperKeepTogetherWhatBelongsTogether) {
  const std::string page = Page(ReportStudy(2));
  EXPECT_THAT(page, HasSubstr("<li><b class=\"words\">dcgan, vae</b><span>models</span></li>"));
  EXPECT_THAT(page,
              HasSubstr(".tiles b { display: block; font-size: 19px; line-height: 1.25; overflow-wrap: break-word; }"));
  EXPECT_THAT(page, HasSubstr("@media screen and (max-width: 760px)")) << "A4 is narrower";
  EXPECT_THAT(page, HasSubstr("figure svg { width: 100%; max-height: 108mm;")) << "two to a page";
}

TEST(ReportPageTest, BothKindsOfSharesCanBeSeen) {
  const std::string page = Page(ReportStudy(2));
  EXPECT_THAT(page, AllOf(HasSubstr("id=\"see-judged\""), HasSubstr("id=\"see-corrected\"")));
  EXPECT_THAT(page, AllOf(HasSubstr("<figure class=\"judged\""), HasSubstr("<figure class=\"corrected\"")));
  EXPECT_THAT(page, HasSubstr(".choice { position: fixed;")) << "elsewhere, choosing scrolls to the top of the page";
}

TEST(ReportPageTest, WithoutACorrectionThereIsNothingToChoose) {
  StudyData data = ReportStudy(2);
  JobData& job = data.jobs.front();
  job.results.clear_cells();
  for (const v1::ResultCell& cell : ComputeResults(job.runs, {}, true)) *job.results.add_cells() = cell;
  const std::string page = Page(data);
  EXPECT_THAT(page, Not(HasSubstr("id=\"see-corrected\"")));
  EXPECT_THAT(page, Not(HasSubstr("<figure class=\"judged\"")));
  EXPECT_THAT(page, HasSubstr("counts-dcgan</svg>"));
}

TEST(ReportPageTest, SaysWhenAJobHasNotEnded) {
  StudyData data = ReportStudy(2);
  data.jobs.front().job.set_state(v1::JOB_RUNNING);
  data.jobs.front().runs.front().set_state(v1::RUNNING);
  EXPECT_THAT(Page(data), HasSubstr("Job j1 has not ended.</b> 7 of 8 runs have a result"));
}

TEST(ReportPageTest, SaysWhichRunsFailedAndWhy) {
  StudyData data = ReportStudy(2);
  data.jobs.front().job.set_state(v1::JOB_FAILED);
  v1::Run& run = data.jobs.front().runs.front();
  run.set_state(v1::FAILED);
  run.set_reason(v1::NUMERIC);
  run.set_message("loss_g is nan at step 12");
  EXPECT_THAT(Page(data), HasSubstr("j1.1 dcgan 0:900 1:100, NUMERIC: loss_g is nan at step 12"));
}

TEST(ReportPageTest, SaysThatOneIterationHasNoDeviation) {
  EXPECT_THAT(Page(ReportStudy(1)), HasSubstr("<b>One iteration</b> (job j1)"));
  EXPECT_THAT(Page(ReportStudy(2)), Not(HasSubstr("<b>One iteration</b>")));
}

TEST(ReportPageTest, SaysThatIntervalsAreGivenOneDraw) {
  StudyData data = ReportStudy(2);
  EXPECT_THAT(Page(data), AllOf(HasSubstr("over runs with seeds and training images of their own"),
                                Not(HasSubstr("<b>One draw</b>"))));
  data.jobs.front().job.mutable_spec()->mutable_bias()->set_draw(v1::PER_JOB);
  EXPECT_THAT(Page(data), AllOf(HasSubstr("<b>One draw</b> (job j1)"), HasSubstr("over runs with seeds of their own"),
                                HasSubstr("All iterations of a bias point train on the same images"),
                                Not(HasSubstr("training images of their own"))));
  data.jobs.push_back(ReportJob("j2", 2));
  EXPECT_THAT(ProvenanceHtml(data),
              HasSubstr("over runs with seeds and training images of their own, never over images."
                        " All iterations of job j1 train on the same images"));
}

TEST(ReportPageTest, SaysWhatTheStopRuleSpared) {
  StudyData data = ReportStudy(3);
  EXPECT_THAT(Page(data), Not(HasSubstr("stop rule")));
  data.jobs.front().results.mutable_saved()->set_runs(7);
  data.jobs.front().results.mutable_saved()->mutable_time()->set_seconds(4200);
  const std::string page = Page(data);
  EXPECT_THAT(page, HasSubstr("<b>The stop rule of job j1</b> has spared 7 runs, about 1h 10m of a slot. Where it"));
  EXPECT_THAT(page, HasSubstr("This job has a stop rule. Where it stopped early, plain 95% intervals"));
}

TEST(ReportPageTest, ResultsHaveEveryCellAndClass) {
  const StudyData data = ReportStudy(2);
  const std::string html = ResultsHtml(data.jobs.front().results);
  for (const char* text :
       {"<td rowspan=\"2\">dcgan</td>", "<td rowspan=\"2\">vae</td>", "0:900 1:100", "0:900 1:300"}) {
    EXPECT_THAT(html, HasSubstr(text));
  }
  // dcgan, 100 of 1000 trained: 50 and 57 of 1000 images.
  EXPECT_THAT(html, HasSubstr("<td class=\"n\">5.35 &plusmn; 0.49</td>"));
}

TEST(ReportPageTest, SaysWhetherTheNullArmReadsWhatItShould) {
  StudyData data = ReportStudy(2);
  EXPECT_THAT(Page(data), Not(HasSubstr("<b>Null arm.</b>")));
  for (v1::ResultCell& cell : *data.jobs.front().results.mutable_cells()) {
    if (cell.model_index() == 1) cell.set_model("resample");
  }
  // Trained on 10% and 25% of class 1; of 1,000 images 100 and 300 are of it, or 7 more.
  EXPECT_THAT(Page(data), HasSubstr("<b>Null arm.</b> resample: 2 of 4 95% intervals contain the trained share"));
}

TEST(ReportPageTest, SaysHowManyRunsTheSharesRestOn) {
  StudyData data = ReportStudy(2);
  JobData& job = data.jobs.front();
  EXPECT_THAT(ResultsHtml(job.results), AllOf(HasSubstr(">2/2</td>"), Not(HasSubstr("counted"))));
  job.runs.front().mutable_histogram()->clear_counts();
  job.results.clear_cells();
  for (const v1::ResultCell& cell : ComputeResults(job.runs, {}, true)) *job.results.add_cells() = cell;
  EXPECT_THAT(ResultsHtml(job.results),
              HasSubstr(">0:900 1:100<br><small>1 of 2 counted: 1 without an accepted image</small></td>"));
}

TEST(ReportPageTest, FurtherCorrectionsStandBesideTheFirst) {
  StudyData data = ReportStudy(2);  // of two classes, by a judge without mean posteriors
  JobData& job = data.jobs.front();
  const std::string with_cleam = ResultsHtml(job.results);
  EXPECT_THAT(with_cleam, AllOf(HasSubstr("CLEAM %</th>"), HasSubstr("CLEAM (two classes) takes")));
  EXPECT_THAT(with_cleam, AllOf(Not(HasSubstr("PACC %</th>")), Not(HasSubstr("PACC corrects"))));
  for (v1::ResultCell& cell : *job.results.mutable_cells()) {
    for (v1::ClassResult& one : *cell.mutable_classes()) one.clear_cleam();
  }
  v1::ClassResult& one = *job.results.mutable_cells(0)->mutable_classes(1);
  one.mutable_pacc()->set_mean(0.0625);
  one.mutable_pacc()->set_sd(0.005);
  const std::string with_pacc = ResultsHtml(job.results);
  EXPECT_THAT(with_pacc, AllOf(HasSubstr("colspan=\"1\">also</th>"), HasSubstr("PACC %</th>"),
                               HasSubstr("PACC corrects"), HasSubstr("<td class=\"n\">6.25 &plusmn; 0.50</td>")));
  EXPECT_THAT(with_pacc, Not(HasSubstr("CLEAM")));
  one.clear_pacc();
  EXPECT_THAT(ResultsHtml(job.results), Not(HasSubstr("also</th>")));
}

TEST(ReportPageTest, SeveralJudgesStandSideBySide) {
  StudyData data = ReportStudy(2);
  EXPECT_EQ(JudgesHtml(data.jobs.front().results), "");
  JobData& job = data.jobs.front();
  for (v1::Run& run : job.runs) {
    v1::ClassHistogram& further = *run.mutable_histogram()->add_more_judges();
    further.set_classifier_digest("<other>");
    further.set_images(1000);
    (*further.mutable_counts())[0] = 900;
    (*further.mutable_counts())[1] = 100;
  }
  job.results.clear_cells();
  const std::vector<v1::Classifier> judges(job.results.classifiers().begin(), job.results.classifiers().end());
  for (const v1::ResultCell& cell : ComputeResults(job.runs, judges, true)) *job.results.add_cells() = cell;
  const std::string html = JudgesHtml(job.results);
  EXPECT_THAT(html, HasSubstr("The 2 judges differ by up to "));
  EXPECT_THAT(html, HasSubstr("<th class=\"n\">judge</th><th class=\"n\">&lt;other&gt;</th>"));
  // dcgan, 100 of 1000 trained: 50 and 57 of 1000 images, and 100 by the other one.
  EXPECT_THAT(html, HasSubstr("<td class=\"n\">5.35<br><small>&plusmn; 0.49</small></td>"
                              "<td class=\"n\">10.00<br><small>&plusmn; 0.00</small></td><td class=\"n\">4.65</td>"));
  EXPECT_THAT(Page(data), HasSubstr(html));
  const std::map<std::string, std::string> files = ReportFiles(data, {});
  EXPECT_THAT(files.at("judged-runs-j1.csv"), HasSubstr("j1.1,dcgan,0:900 1:100,0,<other>,1000,0,0,1,100,0.1\n"));
  EXPECT_TRUE(files.contains("judges-j1.csv"));
}

TEST(ReportPageTest, MeasuresOfImages) {
  StudyData data = ReportStudy(2);
  EXPECT_THAT(Page(data), HasSubstr("The images of this study were not measured."));
  v1::ResultCell& cell = *data.jobs.front().results.mutable_cells(1);
  v1::MeasureResult& frechet = *cell.add_image_measures();
  frechet.set_measure("frechet");
  frechet.mutable_estimate()->set_mean(4.5);
  frechet.mutable_estimate()->set_sd(0.25);
  frechet.set_runs(2);
  v1::MeasureResult& vendi = *cell.add_image_measures();
  vendi.set_measure("vendi");
  vendi.set_class_(1);
  vendi.mutable_estimate()->set_mean(2);
  v1::MeasureResult& took = *cell.add_image_measures();
  took.set_measure("measuring_seconds");
  took.mutable_estimate()->set_mean(3.25);
  took.set_runs(2);
  EXPECT_THAT(Page(data), HasSubstr("<p class=\"note\">Measuring took 3.2 s a run, 6s in all.</p>"));
  const std::string html = MeasuresHtml(data.jobs.front().results);
  EXPECT_THAT(html, HasSubstr("<td class=\"n\">4.50<br><small>&plusmn; 0.25</small></td>"));
  EXPECT_THAT(html, HasSubstr("<td class=\"n\">2.00</td>"));
  EXPECT_THAT(html, HasSubstr("<td rowspan=\"3\">")) << "all, and classes 0 and 1";
  EXPECT_THAT(html, AllOf(HasSubstr("<td class=\"n\">2</td>"), HasSubstr("<td class=\"n\">0/2</td>")));
  EXPECT_THAT(Page(data), AllOf(HasSubstr(html), HasSubstr("Where a class is not measured in all runs, the others")));
}

TEST(ReportPageTest, SaysWhatTheNullArmsRepeatsDoToMeasures) {
  const std::string page = Page(ReportStudy(2));
  EXPECT_THAT(page, Not(HasSubstr("it shows what can be reached")));
  EXPECT_THAT(page,
              HasSubstr("many of those measured are the same, so its recall, coverage and Vendi score are below"));
}

TEST(ReportPageTest, ImagesAreInThePage) {
  StudyData data = ReportStudy(2);
  CellPictures cell{0,
                    {{0, 900}, {1, 100}},
                    Picture{"j1.1", "samples-by-class.png", "PNG!"},
                    Picture{"j1.1", "real-by-class.png", "REAL"}};
  data.jobs.front().pictures.push_back(cell);
  const std::string html = PicturesHtml(data.jobs.front());
  EXPECT_THAT(html, HasSubstr("src=\"data:image/png;base64,UE5HIQ==\""));
  EXPECT_THAT(html, HasSubstr("alt=\"generated by dcgan at 0:900 1:100\""));
  EXPECT_THAT(html, HasSubstr("<ol><li>0</li><li>1</li></ol>"));
  EXPECT_THAT(PicturesHtml(ReportStudy(1).jobs.front()), HasSubstr("No run has stored images yet."));
}

TEST(ReportPageTest, ProvenanceSaysHowToGetTheNumbersAgain) {
  StudyData data = ReportStudy(2);
  data.jobs.front().job.set_dataset_digest("d1g35t");
  data.request.set_focus_class(2);
  data.server.set_commit("5e7fe7");
  data.commit = "c11e47";
  for (const char* device : {"cpu0", "cpu1"}) {
    data.jobs.front().runs[device == std::string("cpu0") ? 0 : 1].set_device(device);
  }
  const std::string html = ProvenanceHtml(data);
  EXPECT_THAT(html, HasSubstr("<dt>server that answered</dt><dd>skewd 0.1.0, commit 5e7fe7</dd>"));
  EXPECT_THAT(html, HasSubstr(", commit c11e47</dd>"));
  EXPECT_THAT(html, HasSubstr("<dt>devices</dt><dd>cpu0, cpu1</dd>"));
  EXPECT_THAT(html, HasSubstr("<code>d1g35t</code>"));
  EXPECT_THAT(html, HasSubstr("name: study\n"));
  EXPECT_THAT(html, HasSubstr("skewctl submit study-j1.yaml --watch   # the specification above, kept under that name\n"
                              "skewctl report j1 --focus-class 2 --out report.html"));
  EXPECT_THAT(html, HasSubstr("errs on generated images as it does on real ones"));
}

TEST(ReportPageTest, ProvenanceHasTheSeedOfEveryRun) {
  StudyData data = ReportStudy(2);
  v1::Run& run = data.jobs.front().runs[1];
  run.set_seed(4711);
  run.set_manifest_digest("drawn");
  run.set_reused_from("j0.3");
  EXPECT_THAT(ProvenanceHtml(data),
              AllOf(HasSubstr("<details><summary>Seeds and training sets of all 8 runs</summary>"),
                    HasSubstr("<td>j1.2</td><td>dcgan</td><td>0:900 1:100</td><td class=\"n\">1</td>"
                              "<td class=\"n\">4711</td><td><code>drawn</code></td><td>j0.3</td>")));
}

// 500 images of class 1, 20 of them rejected, 5 taken for 0s.
TEST(ReportPageTest, ProvenanceHasWhatSharesAreCorrectedWith) {
  StudyData data = ReportStudy(2);
  v1::Classifier& judge = *data.jobs.front().results.mutable_classifiers(0);
  for (const int count : {490, 5, 5, 475}) judge.add_accepted_confusion(count);
  const std::string numbers =
      "<th scope=\"row\">class 1</th><td class=\"n\">5</td><td class=\"n\">475</td>"
      "<td class=\"n\">0</td><td class=\"n\">20</td><td class=\"n\">500</td>";
  EXPECT_THAT(ProvenanceHtml(data), HasSubstr(numbers));
  // An older judge does not know what it rejects.
  judge.clear_accepted_confusion();
  EXPECT_THAT(ProvenanceHtml(data), HasSubstr("<td class=\"n\">495</td><td class=\"n\">0</td><td class=\"n\">0</td>"));
  judge.clear_confusion();
  EXPECT_THAT(ProvenanceHtml(data), Not(HasSubstr("<th scope=\"row\">")));
}

}  // namespace
}  // namespace skew
