// What was done and what came out, for somebody who reads nothing else.
#include <algorithm>
#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/string_view.h"
#include "client/render/format.h"
#include "client/report/figure.h"
#include "client/report/html.h"
#include "client/report/page.h"

namespace skew {
namespace {

std::vector<std::string> Names(const std::vector<ModelOfJob>& models, bool trained) {
  std::vector<std::string> names;
  for (const ModelOfJob& model : models) {
    if (Trains(model) == trained) names.push_back(absl::StrCat("<b>", HtmlText(model.model), "</b>"));
  }
  return names;
}

// "a", "a and b", "a, b and c"
std::string Listed(const std::vector<std::string>& names) {
  if (names.size() < 2) return absl::StrJoin(names, "");
  return absl::StrCat(absl::StrJoin(names.begin(), names.end() - 1, ", "), " and ", names.back());
}

std::string BudgetText(const v1::TrainingSpec& training) {
  if (training.has_epochs()) return Counted(training.epochs(), "epoch");
  return training.has_steps() ? Counted(training.steps(), "update") : "";
}

// "on 7 training sets that differ in class 1 (50, 100, 250 images; all have class 0: 2000)"
std::string TrainingSets(const ModelOfJob& model) {
  if (model.cells.size() == 1) {
    return absl::StrCat("on one kind of training set, ",
                        HtmlText(CountsText(model.cells.front()->bias_point().counts())), " images of each class");
  }
  const BiasPointNames names = NamesOf(model.cells);
  const std::string sizes = absl::StrJoin(names.names, ", ");
  std::string text = absl::StrCat("on training sets of ", model.cells.size(), " kinds, the <i>bias points</i>");
  if (names.axis == "bias point") return absl::StrCat(text, ": ", HtmlText(sizes));
  absl::StrAppend(&text, ", which differ in ", HtmlText(names.axis), ": ", HtmlText(sizes), " images of it");
  if (!names.fixed.empty()) absl::StrAppend(&text, " (in all of them: ", HtmlText(names.fixed), ")");
  return text;
}

// "5 times"; "3 to 4 times (5 were asked for)" of a study that is not done, or did not need all.
std::string TimesText(const std::vector<ModelOfJob>& models, const v1::Job& job) {
  int32_t least = std::numeric_limits<int32_t>::max();
  int32_t most = 0;
  for (const ModelOfJob& model : models) {
    if (!Trains(model)) continue;
    for (const v1::ResultCell* cell : model.cells) {
      least = std::min(least, cell->runs_succeeded());
      most = std::max(most, cell->runs_succeeded());
    }
  }
  const std::string times = Counted(most, "time");
  std::string range = least < most ? absl::StrCat(least, " to ", times) : times;
  const v1::JobSpec& spec = job.spec();
  // Of a reproduction a single run is asked for.
  if (least >= spec.iterations() || !job.reproduces().empty()) return range;
  return absl::StrCat(range, " (", spec.iterations(), spec.has_stop() ? " at most)" : " were asked for)");
}

std::string JudgeText(const JobData& job) {
  if (job.results.classifiers().empty()) return "a classifier";
  return absl::StrCat("a classifier, the <i>judge</i>, which is right on ",
                      Fixed(100 * job.results.classifiers(0).test_accuracy(), 2), "% of real test images,");
}

std::string WhatWasDone(const JobData& job) {
  const std::vector<ModelOfJob> models = ModelsOf(job);
  if (models.empty() || models.front().cells.empty()) return "";
  const v1::JobSpec& spec = job.job.spec();
  const std::vector<std::string> trained = Names(models, true);
  const std::vector<std::string> untrained = Names(models, false);
  std::string text;
  if (!trained.empty()) {
    const std::string budget = BudgetText(spec.training());
    const char* const images = spec.bias().draw() == v1::PER_JOB ? "the same" : "other";
    text = absl::StrCat(Listed(trained), trained.size() == 1 ? " was" : " were", " trained on images of ",
                        HtmlText(spec.dataset()), ", ", TrainingSets(models.front()), ". Each such cell was trained ",
                        TimesText(models, job.job), budget.empty() ? "" : absl::StrCat(" for ", budget),
                        ", always from another seed and on ", images, " images. ");
  }
  absl::StrAppend(&text, "After each training ", spec.generation().images(), " images were generated, and ",
                  JudgeText(job), " says which class each of them is.");
  if (!untrained.empty()) {
    absl::StrAppend(&text, " ", Listed(untrained),
                    untrained.size() == 1 ? " trains nothing: it draws" : " train nothing: they draw",
                    " real images in the training proportions. That is the <i>null arm</i>, in which a fair instrument"
                    " finds no bias.");
  }
  return HtmlParagraph(text);
}

// "dcgan 10% to 18%"
std::string NotCounted(const ModelOfJob& model) {
  double least = std::numeric_limits<double>::infinity();
  double most = 0;
  for (const v1::ResultCell* cell : model.cells) {
    if (cell->runs_succeeded() == 0) continue;
    const double share = 100 * (cell->rejected().mean() + cell->off_support().mean());
    least = std::min(least, share);
    most = std::max(most, share);
  }
  if (least > most) return "";
  const std::string low = Fixed(least, 1);
  const std::string high = Fixed(most, 1);
  return absl::StrCat(HtmlText(model.model), " ", low, low == high ? "" : absl::StrCat(" to ", high), "%");
}

std::string NotCountedOf(const JobData& job) {
  std::vector<std::string> texts;
  for (const ModelOfJob& model : ModelsOf(job)) {
    if (const std::string text = NotCounted(model); !text.empty()) texts.push_back(text);
  }
  if (texts.empty()) return "";
  return HtmlParagraph(
      absl::StrCat("Images that are in no share, because the judge is unsure of them or takes them for a class"
                   " that is not of the study: ",
                   absl::StrJoin(texts, ", "), " (of the bias points, from the least to the most)."));
}

// Words that everything below uses.
constexpr char kWords[] =
    "<dl>\n"
    "<dt>as judged, corrected</dt><dd>shares of the images that the judge takes for a class, and those shares"
    " without the errors that it makes on real images</dd>\n"
    "<dt>cell, run</dt><dd>one model at one bias point, and one training of it</dd>\n"
    "<dt>rejected, off-support</dt><dd>images that the judge is unsure of, and those it takes for other classes;"
    " the rest is accepted</dd>\n"
    "<dt>amplification</dt><dd>generated over trained share of a class: 1 without bias, below 1 where the class is"
    " lost</dd>\n"
    "<dt>logit, Delta</dt><dd>logit p = log(p / (1 &minus; p)), on which rare and frequent shares can be compared;"
    " Delta is the generated share&rsquo;s less the trained one&rsquo;s</dd>\n"
    "</dl>\n";

}  // namespace

std::string SummaryHtml(const StudyData& data) {
  std::string html;
  for (const JobData& job : data.jobs) {
    if (data.jobs.size() > 1) absl::StrAppend(&html, "<h3>Job ", HtmlText(job.job.id()), "</h3>\n");
    absl::StrAppend(&html, WhatWasDone(job), NotCountedOf(job));
  }
  const std::string claims = ClaimsOverviewHtml(data.analysis);
  if (!claims.empty()) {
    absl::StrAppend(&html, "<h3>What came out</h3>\n",
                    HtmlParagraph("Effects as judged, with 95% intervals; verdicts hold for all claims together (see <a"
                                  " href=\"#claims\">Claims</a>)."),
                    claims, "\n");
  }
  return absl::StrCat(html, "<h3>Words</h3>\n", kWords);
}

}  // namespace skew
