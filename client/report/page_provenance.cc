// Where the numbers come from, and how to get them again.
#include <algorithm>
#include <cstddef>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "client/render/format.h"
#include "client/render/judges_table.h"
#include "client/render/message_text.h"
#include "client/report/csv.h"
#include "client/report/html.h"
#include "client/report/page.h"
#include "common/proto_time.h"
#include "common/version.h"

namespace skew {
namespace {

// One pair of a description list; nothing when there is no value. `value` is HTML.
std::string Described(absl::string_view name, absl::string_view value) {
  return value.empty() ? "" : absl::StrCat("<dt>", name, "</dt><dd>", value, "</dd>\n");
}

std::string Code(absl::string_view text) { return text.empty() ? "" : HtmlElement("code", "", HtmlText(text)); }

std::string Program(absl::string_view name, absl::string_view version, absl::string_view commit) {
  return HtmlText(absl::StrCat(name, " ", version, commit.empty() ? "" : ", commit ", commit));
}

std::string JobFacts(const JobData& data) {
  const v1::Job& job = data.job;
  std::set<std::string> devices;
  std::set<std::string> precisions;
  std::set<std::string> manifests;
  for (const v1::Run& run : data.runs) {
    if (!run.device().empty()) devices.insert(run.device());
    if (run.precision() != v1::PRECISION_UNSPECIFIED) precisions.insert(v1::Precision_Name(run.precision()));
    if (!run.manifest_digest().empty()) manifests.insert(run.manifest_digest());
  }
  const std::string took = job.has_start_time() && job.has_end_time()
                               ? DurationText(FromProto(job.end_time()) - FromProto(job.start_time()))
                               : "";
  return absl::StrCat(
      "<dl>\n", Described("job", HtmlText(job.id())), Described("name", HtmlText(job.spec().name())),
      Described("owner", HtmlText(job.owner())),
      Described("submitted", job.has_create_time() ? absl::StrCat(TimeText(job.create_time()), " UTC") : ""),
      Described("took", took), Described("dataset", HtmlText(job.spec().dataset())),
      Described("dataset digest", Code(job.dataset_digest())),
      Described("devices", HtmlText(absl::StrJoin(devices, ", "))),
      Described("computed in", HtmlText(absl::StrJoin(precisions, ", "))),
      Described("training sets drawn", manifests.empty() ? "" : absl::StrCat(manifests.size(), " different ones")),
      "</dl>\n");
}

// What each run started from. Folded, as it is long; and not printed.
std::string RunsHtml(const JobData& data) {
  std::string rows;
  for (const v1::Run& run : data.runs) {
    const std::string row =
        absl::StrCat(TableCell(HtmlText(run.id())), TableCell(HtmlText(run.model())),
                     TableCell(HtmlText(CountsText(run.bias_point().counts()))),
                     NumberCell(absl::StrCat(run.iteration())), NumberCell(absl::StrCat(run.seed())),
                     TableCell(Code(run.manifest_digest())), TableCell(HtmlText(run.reused_from())));
    absl::StrAppend(&rows, HtmlElement("tr", "", row), "\n");
  }
  return absl::StrCat("<details><summary>Seeds and training sets of all ", data.runs.size(),
                      " runs</summary>\n<div class=\"scroll results\"><table><thead><tr>", ColumnHeading("run"),
                      ColumnHeading("model"), ColumnHeading("bias point"), ColumnHeading("iteration", kNumbers),
                      ColumnHeading("seed", kNumbers), ColumnHeading("digest of the training set"),
                      ColumnHeading("trained as"), "</tr></thead>\n<tbody>", rows,
                      "</tbody></table></div></details>\n");
}

// Of the images of one true class, how many the judge takes for each of the study's classes, for others, and for none.
std::string ConfusionRow(const v1::Classifier& judge, const std::vector<int32_t>& classes, int32_t truth) {
  const auto& accepted = judge.accepted_confusion().empty() ? judge.confusion() : judge.accepted_confusion();
  int64_t all = 0;
  int64_t certain = 0;
  for (int32_t predicted = 0; predicted < judge.classes(); ++predicted) {
    all += judge.confusion(truth * judge.classes() + predicted);
    certain += accepted.Get(truth * judge.classes() + predicted);
  }
  std::string row = HtmlElement("th", "scope=\"row\"", absl::StrCat("class ", truth));
  int64_t others = certain;
  for (const int32_t predicted : classes) {
    const int32_t count = accepted.Get(truth * judge.classes() + predicted);
    row += NumberCell(absl::StrCat(count));
    others -= count;
  }
  return HtmlElement("tr", "",
                     absl::StrCat(row, NumberCell(absl::StrCat(others)), NumberCell(absl::StrCat(all - certain)),
                                  NumberCell(absl::StrCat(all))));
}

std::string ConfusionHtml(const v1::Classifier& judge, const std::vector<int32_t>& classes) {
  const int64_t entries = static_cast<int64_t>(judge.classes()) * judge.classes();
  const bool fits =
      judge.confusion_size() == entries &&
      (judge.accepted_confusion().empty() || judge.accepted_confusion_size() == entries) &&
      std::all_of(classes.begin(), classes.end(), [&](int32_t label) { return label >= 0 && label < judge.classes(); });
  if (!fits || classes.empty()) return "";
  std::string headings = ColumnHeading("really");
  for (const int32_t predicted : classes) headings += ColumnHeading(absl::StrCat("as ", predicted), kNumbers);
  for (const char* const rest : {"as others", "rejected", "images"}) headings += ColumnHeading(rest, kNumbers);
  std::string rows;
  for (const int32_t truth : classes) rows += ConfusionRow(judge, classes, truth);
  return absl::StrCat(
      "<p>What it makes of real images of the test split, and what shares are corrected with:</p>\n",
      HtmlElement("div", "class=\"scroll confusion\"",
                  absl::StrCat("<table><thead><tr>", headings, "</tr></thead>\n<tbody>", rows, "</tbody></table>")),
      "\n");
}

// The judge as an answer about a job has it, which knows the threshold of the job's specification.
std::string ConfusionOfJob(const JobData& data, const std::string& digest) {
  std::vector<int32_t> classes;
  if (!data.results.cells().empty()) {
    for (const v1::ClassResult& one : data.results.cells(0).classes()) classes.push_back(one.class_());
  }
  for (const v1::Classifier& judge : data.results.classifiers()) {
    if (judge.digest() == digest) return ConfusionHtml(judge, classes);
  }
  return "";
}

std::string JudgeFacts(const v1::Classifier& judge) {
  return absl::StrCat(
      "<dl>\n", Described("digest", Code(judge.digest())),
      Described("accuracy", absl::StrCat(Fixed(100 * judge.test_accuracy(), 2), "% on the whole test split")),
      Described("trained on", HtmlText(judge.dataset())), Described("training", JudgeTrainingText(judge)),
      Described("trained by", absl::StrCat("job ", HtmlText(judge.job_id()), " of the same server")), "</dl>\n");
}

std::string Commands(const StudyData& data) {
  std::string text;
  for (const JobData& job : data.jobs) {
    absl::StrAppend(&text, "skewctl submit ", SpecFileName(job.job),
                    " --watch   # the specification above, kept under that name\n");
  }
  std::vector<std::string> ids(data.request.job_ids().begin(), data.request.job_ids().end());
  absl::StrAppend(&text, "skewctl report ", absl::StrJoin(ids, " "));
  if (data.request.allow_different_judges()) text += " --allow-different-judges";
  if (data.request.has_focus_class()) absl::StrAppend(&text, " --focus-class ", data.request.focus_class());
  absl::StrAppend(&text, " --out report.html --csv csv   # with the ids that submit prints\n");
  return text;
}

bool HasOneDraw(const JobData& data) { return data.job.spec().bias().draw() == v1::PER_JOB; }

// What runs differ in, which is what their intervals hold.
std::string Replication(const StudyData& data) {
  const auto one_draw = std::count_if(data.jobs.begin(), data.jobs.end(), HasOneDraw);
  if (one_draw == 0) return "over runs with seeds and training images of their own, never over images.";
  std::string jobs;
  for (const JobData& job : data.jobs) {
    if (HasOneDraw(job)) absl::StrAppend(&jobs, jobs.empty() ? "" : ", ", HtmlText(job.job.id()));
  }
  const bool all = one_draw == static_cast<std::ptrdiff_t>(data.jobs.size());
  return absl::StrCat("over runs with seeds ", all ? "" : "and training images ",
                      "of their own, never over images. All iterations of ", all ? "a bias point" : "job ",
                      all ? "" : jobs,
                      " train on the same images (<code>bias.draw: PER_JOB</code>): intervals and claims"
                      " hold given that one draw, and leave out what another would change.");
}

std::string Assumptions(const StudyData& data) {
  return absl::StrCat(
      "<ul class=\"plain\">\n"
      "<li>Correction supposes that the judge errs on generated images as it does on real ones. Nobody can know that"
      " from class labels alone; the rejected and off-support shares say how strange the images are to it.</li>\n"
      "<li>Means, deviations and intervals are ",
      Replication(data),
      " t intervals suppose roughly normal means; with few iterations they are wide for that reason.</li>\n"
      "<li>Rejected and off-support images are counted apart and are in no share.</li>\n"
      "<li>Results hold for the training budget above: early in training a GAN all but forgets small classes.</li>\n"
      "</ul>\n");
}

}  // namespace

std::string ProvenanceHtml(const StudyData& data) {
  std::string html;
  for (const JobData& job : data.jobs) {
    absl::StrAppend(&html, "<h3>Job ", HtmlText(job.job.id()), "</h3>\n", JobFacts(job),
                    "<p>The specification with all its defaults, <code>", HtmlText(SpecFileName(job.job)),
                    "</code>:</p>\n", HtmlElement("pre", "", HtmlText(ToYaml(job.job.spec()))),
                    "\n<p class=\"note\">Where it does not say: 64 images an update, of vae_mlp 128. The second beta of"
                    " Adam is 0.999.</p>\n",
                    RunsHtml(job));
  }
  html += "<h3>Judge</h3>\n";
  for (const v1::Classifier& judge : data.analysis.classifiers()) {
    html += JudgeFacts(judge);
    for (const JobData& job : data.jobs) html += ConfusionOfJob(job, judge.digest());
  }
  if (data.analysis.classifiers().empty()) html += "<p class=\"empty\">No run has been judged yet.</p>\n";
  absl::StrAppend(
      &html, "<h3>Software</h3>\n<dl>\n",
      Described("server that answered", Program("skewd", data.server.version(), data.server.commit())),
      Described("its build", HtmlText(data.server.build())),
      Described("report", Program("skewctl", Version(), data.commit)),
      Described("its build", HtmlText(BuildDescription())), "</dl>\n<h3>To reproduce</h3>\n",
      HtmlElement("pre", "", HtmlText(Commands(data))),
      "\n<p>The programs, and the script that fetches the datasets, are in Skew&rsquo;s repository. The same "
      "specification"
      " on a dataset with the same digest draws the same training images and starts from the same seeds. On a "
      "processor or"
      " in a precision like these the results are the same to the last digit; on others the digits differ, as they do"
      " between seeds.</p>\n<h3>Assumptions</h3>\n",
      Assumptions(data));
  return html;
}

}  // namespace skew
