#include "client/report/page.h"

#include <algorithm>
#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/string_view.h"
#include "client/render/format.h"
#include "client/render/measures_table.h"
#include "client/render/results_notes.h"
#include "client/report/gnuplot.h"
#include "client/report/html.h"
#include "common/null_arm.h"
#include "common/results.h"
#include "common/run_state.h"
#include "common/version.h"

namespace skew {
namespace {

// Nothing is loaded, nothing runs, nothing is sent; pictures and styles are in the page.
constexpr char kPolicy[] =
    "default-src 'none'; img-src data:; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'";
constexpr size_t kMostFailures = 10;

std::string Section(absl::string_view id, absl::string_view title, absl::string_view content) {
  return absl::StrCat("<section id=\"", id, "\">\n<h2>", title, "</h2>\n", content, "</section>\n");
}

std::string TimeHtml(absl::Time time) { return absl::FormatTime("%Y-%m-%d %H:%M UTC", time, absl::UTCTimeZone()); }

std::string TitleOf(const StudyData& data) {
  std::vector<std::string> names;
  for (const JobData& job : data.jobs) {
    if (std::find(names.begin(), names.end(), job.job.spec().name()) == names.end()) {
      names.push_back(job.job.spec().name());
    }
  }
  return HtmlText(absl::StrJoin(names, " + "));
}

std::string SubtitleOf(const StudyData& data) {
  std::vector<std::string> jobs;
  for (const JobData& job : data.jobs) {
    std::string text =
        absl::StrCat("job ", job.job.id(), " of ", job.job.owner(), " (", StateName(job.job.state()), ")");
    for (const auto& [key, value] :
         std::map<std::string, std::string>(job.job.spec().labels().begin(), job.job.spec().labels().end())) {
      absl::StrAppend(&text, ", ", key, "=", value);
    }
    jobs.push_back(HtmlText(text));
  }
  return absl::StrCat(absl::StrJoin(jobs, " &middot; "), " &middot; as of ", TimeHtml(data.time));
}

std::string Tile(absl::string_view value, absl::string_view name, absl::string_view attributes = "") {
  return absl::StrCat("<li>", HtmlElement("b", attributes, value), "<span>", name, "</span></li>\n");
}

std::string NamesTile(const std::set<std::string>& names, absl::string_view what) {
  return names.empty() ? "" : Tile(HtmlText(absl::StrJoin(names, ", ")), what, "class=\"words\"");
}

std::string TilesOf(const StudyData& data) {
  int64_t finished = 0;
  int64_t total = 0;
  std::set<std::string> models;
  std::set<std::string> null_arms;
  std::set<std::string> points;
  std::set<int32_t> iterations;
  std::set<int32_t> images;
  bool stopping = false;
  for (const JobData& job : data.jobs) {
    stopping = stopping || job.job.spec().has_stop();
    total += static_cast<int64_t>(job.runs.size());
    iterations.insert(job.job.spec().iterations());
    images.insert(job.job.spec().generation().images());
    for (const ModelOfJob& model : ModelsOf(job)) (Trains(model) ? models : null_arms).insert(model.model);
    for (const v1::Run& run : job.runs) {
      finished += HasResult(run) ? 1 : 0;
      points.insert(CountsText(run.bias_point().counts()));
    }
  }
  std::string tiles =
      absl::StrCat(Tile(HtmlText(data.jobs.front().job.spec().dataset()), "dataset", "class=\"words\""),
                   NamesTile(models, models.size() == 1 ? "model" : "models"), NamesTile(null_arms, "null arm"),
                   Tile(absl::StrCat(points.size()), points.size() == 1 ? "bias point" : "bias points"),
                   Tile(absl::StrJoin(iterations, " / "), stopping ? "iterations at most" : "iterations asked for"),
                   Tile(absl::StrJoin(images, " / "), "images judged per run"),
                   Tile(absl::StrCat(finished, " of ", total), "runs with a result"));
  for (const v1::Classifier& judge : data.analysis.classifiers()) {
    absl::StrAppend(&tiles, Tile(absl::StrCat(Fixed(100 * judge.test_accuracy(), 2), "%"), "judge's accuracy"));
  }
  return absl::StrCat("<ul class=\"tiles\">\n", tiles, "</ul>\n");
}

std::string FailuresOf(const JobData& job) {
  std::string list;
  size_t failed = 0;
  for (const v1::Run& run : job.runs) {
    if (run.state() != v1::FAILED || ++failed > kMostFailures) continue;
    const std::string what =
        absl::StrCat(run.id(), " ", run.model(), " ", CountsText(run.bias_point().counts()), ", ",
                     v1::Reason_Name(run.reason()), run.message().empty() ? "" : ": ", run.message());
    absl::StrAppend(&list, "<li>", HtmlText(what), "</li>\n");
  }
  if (failed > kMostFailures) absl::StrAppend(&list, "<li>and ", failed - kMostFailures, " more</li>\n");
  return list.empty() ? "" : absl::StrCat("<ul class=\"plain\">\n", list, "</ul>\n");
}

// What a reader must know before believing anything below.
std::string WarningsOf(const StudyData& data) {
  std::string html;
  for (const JobData& job : data.jobs) {
    const auto finished = std::count_if(job.runs.begin(), job.runs.end(), HasResult);
    const std::string counts = absl::StrCat(finished, " of ", job.runs.size(), " runs have a result");
    const std::string id = HtmlText(job.job.id());
    if (!IsTerminal(job.job.state())) {
      html += HtmlParagraph(absl::StrCat("<b>Job ", id, " has not ended.</b> ", counts,
                                         "; everything below is from those, and will change."),
                            "class=\"warn\"");
    } else if (job.job.state() != v1::JOB_SUCCEEDED) {
      absl::StrAppend(&html, "<div class=\"warn\"><b>Job ", id, " has ended ", StateName(job.job.state()),
                      "</b>: ", counts, ". ", HtmlText(job.job.message()), FailuresOf(job), "</div>\n");
    }
    if (const std::string spared = SparedText(job.results.saved()); !spared.empty()) {
      html += HtmlParagraph(absl::StrCat("<b>The stop rule of job ", id, "</b> has spared ", spared, ". ",
                                         HtmlText(StoppedEarlyText(job.results.saved()))),
                            "class=\"warn\"");
    }
    if (job.job.spec().bias().draw() == v1::PER_JOB) {
      html += HtmlParagraph(absl::StrCat("<b>One draw</b> (job ", id,
                                         "): all iterations of a bias point train on the same images, so intervals and"
                                         " claims are given those images; others would spread further."),
                            "class=\"warn\"");
    }
    if (job.job.spec().iterations() == 1) {
      html +=
          HtmlParagraph(absl::StrCat("<b>One iteration</b> (job ", id,
                                     "): no standard deviations and no intervals over iterations can be given, and no"
                                     " claim be tested over them."),
                        "class=\"warn\"");
    }
  }
  return html;
}

std::string FigureHtml(const Figure& figure, const std::map<std::string, std::string>& svgs, bool has_twin) {
  if (!figure.missing.empty()) {
    return HtmlParagraph(absl::StrCat(HtmlText(figure.title), ": ", HtmlText(figure.missing), "."), "class=\"empty\"");
  }
  const auto svg = svgs.find(figure.name);
  if (svg == svgs.end()) return "";
  std::string prefix = figure.name;
  std::replace_if(
      prefix.begin(), prefix.end(), [](char c) { return c == '#' || c == '.'; }, '_');
  const std::string kind = !has_twin                             ? ""
                           : figure.shares == Shares::kCorrected ? "class=\"corrected\""
                                                                 : "class=\"judged\"";
  return absl::StrCat(HtmlElement("figure", kind,
                                  absl::StrCat(InlineSvg(svg->second, absl::StrCat(prefix, "-"), figure.title),
                                               "\n<figcaption>", HtmlText(figure.caption), "</figcaption>")),
                      "\n");
}

std::string FiguresOf(absl::string_view kind, const StudyData& data, const std::vector<Figure>& figures,
                      const std::map<std::string, std::string>& svgs) {
  std::set<std::string> corrected;
  for (const Figure& figure : figures) {
    if (figure.shares == Shares::kCorrected)
      corrected.insert(absl::StrCat(figure.kind, "/", figure.job_id, "/", figure.model));
  }
  std::string html;
  for (const JobData& job : data.jobs) {
    if (data.jobs.size() > 1) absl::StrAppend(&html, "<h3>Job ", HtmlText(job.job.id()), "</h3>\n");
    const size_t before = html.size();
    for (const Figure& figure : figures) {
      if (figure.kind != kind || figure.job_id != job.job.id()) continue;
      const bool has_twin = corrected.contains(absl::StrCat(figure.kind, "/", figure.job_id, "/", figure.model));
      html += FigureHtml(figure, svgs, has_twin);
    }
    if (html.size() == before) html += HtmlParagraph("There is nothing to show.", "class=\"empty\"");
  }
  return html;
}

bool AnyCorrected(const std::vector<Figure>& figures) {
  return std::any_of(figures.begin(), figures.end(),
                     [](const Figure& figure) { return figure.shares == Shares::kCorrected; });
}

// The first in the body: the style sheet shows by it what is to be seen, without a script.
constexpr char kChoice[] =
    "<input class=\"choice\" type=\"radio\" name=\"see\" id=\"see-judged\" aria-label=\"figures show shares as judged\""
    " checked>\n"
    "<input class=\"choice\" type=\"radio\" name=\"see\" id=\"see-corrected\""
    " aria-label=\"figures show corrected shares\">\n";
constexpr char kToggle[] =
    "<div class=\"toggle\">Shares in the figures: <label for=\"see-judged\">as judged</label>"
    "<label for=\"see-corrected\">corrected</label></div>\n";

constexpr char kNavigation[] =
    "<nav><a href=\"#summary\">In short</a> <a href=\"#counts\">Counts</a> <a href=\"#shares\">Shares</a> <a "
    "href=\"#claims\">Claims</a> "
    "<a href=\"#results\">Results</a> <a href=\"#measures\">Realism</a> <a href=\"#forming\">The bias forming</a> "
    "<a href=\"#losses\">Losses</a> "
    "<a href=\"#images\">Images</a> <a href=\"#configuration\">Configuration</a></nav>\n";

std::string ResultsSection(const StudyData& data) {
  std::string html;
  for (const JobData& job : data.jobs) {
    if (data.jobs.size() > 1) absl::StrAppend(&html, "<h3>Job ", HtmlText(job.job.id()), "</h3>\n");
    absl::StrAppend(&html, ResultsHtml(job.results), "\n");
    if (const std::string null_arm = NullArmText(job.results); !null_arm.empty()) {
      html += HtmlParagraph(absl::StrCat("<b>Null arm.</b> ", HtmlText(null_arm)), "class=\"note\"");
    }
    html += JudgesHtml(job.results);
    const std::string stopped = StoppedEarlyText(job.results.saved());
    if (!stopped.empty())
      html += HtmlParagraph(absl::StrCat("This job has a stop rule. ", HtmlText(stopped)), "class=\"note\"");
  }
  return absl::StrCat(
      html,
      HtmlParagraph(
          "Shares are of the images accepted as one of the study&rsquo;s classes; standard deviations and 95% Student t"
          " intervals are over runs. ampl.: generated over trained share. rho: over-dispersion, 0 when runs"
          " differ only as independent images make them differ. rej., off: images the judge is unsure of, and"
          " of other classes, of all images of all runs; a run without an accepted image counts for these only. "
          "Corrected intervals also hold what the judge&rsquo;s confusion"
          " counts leave open.",
          "class=\"note\""));
}

// The figures, where there are any, and the tables.
std::string MeasuresSection(const StudyData& data, const std::vector<Figure>& figures,
                            const std::map<std::string, std::string>& svgs) {
  const bool any = std::any_of(figures.begin(), figures.end(), [](const Figure& figure) {
    return figure.kind == "measures" && figure.missing.empty();
  });
  std::string html = any ? FiguresOf("measures", data, figures, svgs) : "";
  for (const JobData& job : data.jobs) {
    if (data.jobs.size() > 1) absl::StrAppend(&html, "<h3>Job ", HtmlText(job.job.id()), "</h3>\n");
    absl::StrAppend(&html, MeasuresHtml(job.results), "\n");
    for (const std::string& note : {MeasuresNotes(job.results), MeasuringText(job.results)}) {
      if (!note.empty()) html += HtmlParagraph(HtmlText(note), "class=\"note\"");
    }
  }
  return absl::StrCat(html, HtmlParagraph(kMeasuresNote, "class=\"note\""));
}

std::string StripHtml(const Picture& picture, const std::vector<std::string>& rows, absl::string_view what) {
  std::string labels;
  for (const std::string& row : rows) absl::StrAppend(&labels, "<li>", HtmlText(row), "</li>");
  return absl::StrCat("<div class=\"strip\"><ol>", labels, "</ol><img alt=\"", HtmlText(what), "\" src=\"",
                      DataUri("image/png", picture.png), "\"></div>");
}

std::string GridHtml(const Picture& picture, const CellPictures& cell, absl::string_view title) {
  std::vector<std::string> rows;
  const bool by_class = picture.name != "samples.png";
  for (const auto& [label, count] : cell.bias_point) {
    if (by_class) rows.push_back(absl::StrCat(label));
  }
  return absl::StrCat(HtmlElement("figure", "",
                                  absl::StrCat(StripHtml(picture, rows, title), "<figcaption>", HtmlText(title),
                                               " <small>(", HtmlText(picture.run_id), ")</small></figcaption>")),
                      "\n");
}

}  // namespace

std::string PicturesHtml(const JobData& job) {
  if (job.pictures.empty()) return HtmlParagraph("No run has stored images yet.", "class=\"empty\"");
  const std::vector<ModelOfJob> models = ModelsOf(job);
  std::map<std::map<int32_t, int32_t>, std::vector<const CellPictures*>> points;
  for (const CellPictures& cell : job.pictures) points[cell.bias_point].push_back(&cell);
  std::string html;
  for (const auto& [point, cells] : points) {
    const std::string counts = absl::StrJoin(point, " ", absl::PairFormatter(":"));
    absl::StrAppend(&html, "<div class=\"together\">\n<h3>", counts, "</h3>\n<div class=\"grids\">\n");
    const auto real =
        std::find_if(cells.begin(), cells.end(), [](const CellPictures* one) { return one->real.has_value(); });
    if (real != cells.end()) html += GridHtml(*(*real)->real, **real, absl::StrCat("real training images at ", counts));
    for (const CellPictures* cell : cells) {
      const auto model = std::find_if(models.begin(), models.end(),
                                      [&](const ModelOfJob& one) { return one.model_index == cell->model_index; });
      const std::string name = model == models.end() ? "" : model->model;
      html += GridHtml(*cell->generated, *cell, absl::StrCat("generated by ", name, " at ", counts));
    }
    html += "</div>\n</div>\n";
  }
  return html;
}

std::string ReportPage(const StudyData& data, const std::vector<Figure>& figures,
                       const std::map<std::string, std::string>& svgs) {
  const bool corrected = AnyCorrected(figures);
  std::string pictures;
  for (const JobData& job : data.jobs) {
    if (data.jobs.size() > 1) absl::StrAppend(&pictures, "<h3>Job ", HtmlText(job.job.id()), "</h3>\n");
    pictures += PicturesHtml(job);
  }
  const auto figures_of = [&](absl::string_view kind) { return FiguresOf(kind, data, figures, svgs); };
  return absl::StrCat(
      "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
      "<meta http-equiv=\"Content-Security-Policy\" content=\"",
      kPolicy,
      "\">\n<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<meta name=\"generator\" "
      "content=\"skewctl ",
      HtmlText(Version()), "\">\n<title>", TitleOf(data), "</title>\n<style>", kReportStyle,
      "</style>\n</head>\n<body>\n", corrected ? kChoice : "", "<header>\n<h1>", TitleOf(data), "</h1>\n",
      HtmlParagraph(SubtitleOf(data), "class=\"sub\""), TilesOf(data), WarningsOf(data), kNavigation,
      "</header>\n<main>\n", Section("summary", "In short", SummaryHtml(data)), corrected ? kToggle : "",
      Section("counts", "What was generated", figures_of("counts")),
      Section("shares", "Generated share against training share", figures_of("shares")),
      Section(
          "claims", "Claims",
          absl::StrCat(
              HtmlParagraph(
                  "Most claims take one value from each iteration, as the runs of one iteration share their training"
                  " images; the last column says what each rests on. &ldquo;If not so&rdquo; is the effect were the "
                  "claim"
                  " not true, with the margin within which it is as good as that. p-values are two-sided and adjusted "
                  "after Holm over all claims of trained models, and over those of models that"
                  " train nothing, which check the instrument (in brackets: before that). <b>Supported</b>: the effect "
                  "is there, in the claim&rsquo;s "
                  "direction."
                  " <b>Opposite</b>: in the other. <b>Preserved</b>: shown to be near enough to none, by the"
                  " p-value called equiv., which is that of an effect outside the claim&rsquo;s margin."
                  " <b>Undecided</b>: too little is known; &ldquo;would take&rdquo; is how many units would"
                  " decide it with 80% power."),
              ClaimsHtml(data.analysis))),
      Section("results", "Results", ResultsSection(data)),
      Section("measures", "How real and how varied", MeasuresSection(data, figures, svgs)),
      Section("forming", "The bias forming", figures_of("forming")), Section("losses", "Losses", figures_of("losses")),
      Section("images", "Real and generated images",
              absl::StrCat(HtmlParagraph(
                               "A row for each class: of the training set, and of the first 500 images generated for it"
                               " those that the judge accepts as the class. Grey places: there were not as many."
                               " First iteration."),
                           pictures)),
      Section("configuration", "Configuration and provenance", ProvenanceHtml(data)),
      "</main>\n<footer>Made by skewctl ", HtmlText(Version()), " on ", TimeHtml(data.time),
      ". This page loads nothing and can be kept as one file.</footer>\n", "</body>\n</html>\n");
}

}  // namespace skew
