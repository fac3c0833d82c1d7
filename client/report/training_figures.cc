// What happens during training: shares of the classes, and losses.
#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "client/render/format.h"
#include "client/render/table.h"
#include "client/report/drawing.h"
#include "client/report/figure.h"
#include "common/judges.h"
#include "common/result_parts.h"
#include "common/results.h"
#include "common/stats/cell.h"

namespace skew {
namespace {

// Runs of a cell that count: those that ended without a result would make the mean jump where they end.
std::vector<const v1::Run*> RunsOf(const ModelOfJob& model, const v1::ResultCell& cell) {
  std::vector<const v1::Run*> runs;
  const std::string point = CountsText(cell.bias_point().counts());
  for (const v1::Run& run : model.job->runs) {
    const bool of_cell = run.model_index() == model.model_index && CountsText(run.bias_point().counts()) == point;
    if (of_cell && run.state() != v1::FAILED && run.state() != v1::CANCELLED) runs.push_back(&run);
  }
  return runs;
}

// A value of every run, by step.
using ByStep = std::map<int32_t, std::vector<double>>;

void AddPoints(const ByStep& values, Series& series, bool sd_band) {
  for (const auto& [step, of_runs] : values) {
    const v1::Estimate estimate = EstimateOf(of_runs);
    const auto [low, high] = std::minmax_element(of_runs.begin(), of_runs.end());
    series.x.push_back(step);
    series.mean.push_back(estimate.mean());
    series.low.push_back(sd_band ? estimate.mean() - estimate.sd() : *low);
    series.high.push_back(sd_band ? estimate.mean() + estimate.sd() : *high);
  }
}

std::string PanelTitle(const BiasPointNames& names, size_t i) {
  return names.axis == "bias point" ? names.names[i] : absl::StrCat(names.axis, ": ", names.names[i]);
}

// Shares of the classes of a job among the accepted images of a histogram.
class ShareReader {
 public:
  ShareReader(const ModelOfJob& model, Shares kind)
      : kind_(kind),
        classifiers_(model.job->results.classifiers().begin(), model.job->results.classifiers().end()),
        judges_(classifiers_) {
    for (const v1::ClassResult& one : model.cells.front()->classes()) labels_.push_back(one.class_());
  }

  // NaN where there is none: without an accepted image, and corrected without a judge to correct for.
  double Of(const v1::ClassHistogram& histogram, int32_t label) {
    if (kind_ == Shares::kAsJudged || AcceptedImages(histogram) == 0) return GeneratedShare(histogram, label);
    const JudgeCorrections* judge = judges_.Find(histogram.classifier_digest(), labels_);
    if (judge == nullptr) return std::numeric_limits<double>::quiet_NaN();
    const std::vector<double> corrected =
        judge->decisions.mean.Shares(stats::SharesOf(AcceptedCounts(histogram, labels_)));
    return corrected[static_cast<size_t>(std::find(labels_.begin(), labels_.end(), label) - labels_.begin())];
  }

 private:
  const Shares kind_;
  const std::vector<v1::Classifier> classifiers_;
  Judges judges_;  // of classifiers_
  std::vector<int> labels_;
};

struct Histograms {
  std::vector<const std::map<int32_t, v1::ClassHistogram>*> runs;

  ByStep SharesOf(int32_t label, ShareReader& reader) const {
    ByStep shares;
    for (const auto* run : runs) {
      for (const auto& [step, histogram] : *run) {
        const double share = reader.Of(histogram, label);
        if (std::isfinite(share)) shares[step].push_back(100 * share);
      }
    }
    return shares;
  }
  // Rejected or of another class, of all images.
  ByStep NotCounted() const {
    ByStep shares;
    for (const auto* run : runs) {
      for (const auto& [step, histogram] : *run) {
        if (histogram.images() == 0) continue;
        shares[step].push_back(100.0 * (histogram.rejected() + histogram.off_support()) / histogram.images());
      }
    }
    return shares;
  }
};

Histograms HistogramsOf(const ModelOfJob& model, const v1::ResultCell& cell) {
  Histograms histograms;
  for (const v1::Run* run : RunsOf(model, cell)) {
    const auto found = model.job->histograms.find(run->id());
    if (found != model.job->histograms.end()) histograms.runs.push_back(&found->second);
  }
  return histograms;
}

SeriesPanel FormingPanel(const Histograms& histograms, const v1::ResultCell& cell, ShareReader& reader) {
  SeriesPanel panel;
  for (const v1::ClassResult& one : cell.classes()) {
    Series series{absl::StrCat("class ", one.class_()), LookOfClass(one.class_()), {}, {}};
    series.reference = 100 * one.trained_share();
    series.points = true;
    AddPoints(histograms.SharesOf(one.class_(), reader), series, true);
    panel.series.push_back(std::move(series));
  }
  Series rest{"not counted", {"#777777", 1, 3}, {}, {}};
  AddPoints(histograms.NotCounted(), rest, true);
  rest.low.clear();
  rest.high.clear();
  panel.series.push_back(std::move(rest));
  return panel;
}

std::string FormingCsv(const ModelOfJob& model, ShareReader& reader) {
  Table table({{"", "model"},
               {"", "bias_point"},
               {"", "run"},
               {"", "iteration"},
               {"", "step"},
               {"", "epoch"},
               {"", "images"},
               {"", "class"},
               {"", "accepted_images"},
               {"", "share"},
               {"", "rejected"},
               {"", "off_support"}});
  for (const v1::ResultCell* cell : model.cells) {
    for (const v1::Run* run : RunsOf(model, *cell)) {
      const auto found = model.job->histograms.find(run->id());
      if (found == model.job->histograms.end()) continue;
      for (const auto& [step, histogram] : found->second) {
        for (const v1::ClassResult& one : cell->classes()) {
          const auto count = histogram.counts().find(one.class_());
          table.AddRow({model.model, CountsText(cell->bias_point().counts()), run->id(), absl::StrCat(run->iteration()),
                        absl::StrCat(step), Exact(histogram.epoch()), absl::StrCat(histogram.images()),
                        absl::StrCat(one.class_()), absl::StrCat(count == histogram.counts().end() ? 0 : count->second),
                        Exact(reader.Of(histogram, one.class_())), absl::StrCat(histogram.rejected()),
                        absl::StrCat(histogram.off_support())});
        }
      }
    }
  }
  return table.ToCsv();
}

// "loss_d" is the discriminator's, and so on.
std::string LossName(const std::string& name) {
  if (name == "loss_d") return "D";
  if (name == "loss_g") return "G";
  if (name == "loss") return "total";
  if (name == "reconstruction") return "reconstr.";
  return name == "divergence" ? "KL" : name;
}

std::vector<const LossCurves*> LossesOf(const ModelOfJob& model, const v1::ResultCell& cell) {
  std::vector<const LossCurves*> losses;
  for (const v1::Run* run : RunsOf(model, cell)) {
    const auto found = model.job->losses.find(run->id());
    if (found != model.job->losses.end() && !found->second.steps.empty()) losses.push_back(&found->second);
  }
  return losses;
}

SeriesPanel LossPanel(const std::vector<const LossCurves*>& losses) {
  SeriesPanel panel;
  if (losses.empty()) return panel;
  const std::vector<std::string>& names = losses.front()->names;
  for (size_t i = 0; i < names.size(); ++i) {
    ByStep values;
    for (const LossCurves* curves : losses) {
      if (curves->names != names) continue;
      for (size_t k = 0; k < curves->steps.size(); ++k) values[curves->steps[k]].push_back(curves->means[i][k]);
    }
    Series series{LossName(names[i]), LookOfClass(static_cast<int32_t>(i)), {}, {}};
    series.look.dash = 1;  // a jagged line with gaps would hide where it goes; its label tells it apart
    AddPoints(values, series, false);
    panel.series.push_back(std::move(series));
  }
  return panel;
}

std::string LossCsv(const ModelOfJob& model) {
  Table table(
      {{"", "model"}, {"", "bias_point"}, {"", "run"}, {"", "iteration"}, {"", "to_step"}, {"", "loss"}, {"", "mean"}});
  for (const v1::ResultCell* cell : model.cells) {
    for (const v1::Run* run : RunsOf(model, *cell)) {
      const auto found = model.job->losses.find(run->id());
      if (found == model.job->losses.end()) continue;
      const LossCurves& curves = found->second;
      for (size_t i = 0; i < curves.names.size(); ++i) {
        for (size_t k = 0; k < curves.steps.size(); ++k) {
          table.AddRow({model.model, CountsText(cell->bias_point().counts()), run->id(), absl::StrCat(run->iteration()),
                        absl::StrCat(curves.steps[k]), curves.names[i], Exact(curves.means[i][k])});
        }
      }
    }
  }
  return table.ToCsv();
}

void Fill(const SeriesFigure& drawn, std::string caption, std::string csv, Figure& figure) {
  Drawing drawing = DrawSeries(drawn);
  figure.width = drawing.width;
  figure.height = drawing.height;
  figure.script = std::move(drawing.script);
  figure.caption = std::move(caption);
  figure.csv = std::move(csv);
}

}  // namespace

Figure FormingFigure(const ModelOfJob& model, Shares shares) {
  const bool corrected = shares == Shares::kCorrected;
  ShareReader reader(model, shares);
  Figure figure;
  figure.kind = "forming";
  figure.shares = shares;
  figure.title = absl::StrCat("The bias forming, ", model.model, corrected ? " (corrected)" : " (as judged)");
  SeriesFigure drawn{figure.title, "share, %", "generator updates", 1.2, {}};
  std::set<int32_t> steps;
  const BiasPointNames names = NamesOf(model.cells);
  for (size_t i = 0; i < model.cells.size(); ++i) {
    const Histograms histograms = HistogramsOf(model, *model.cells[i]);
    for (const auto* run : histograms.runs) {
      for (const auto& [step, histogram] : *run) steps.insert(step);
    }
    drawn.panels.push_back(FormingPanel(histograms, *model.cells[i], reader));
    drawn.panels.back().title = PanelTitle(names, i);
  }
  if (steps.empty() || *steps.rbegin() == 0) {
    figure.missing = steps.empty() ? absl::StrCat("no images of ", model.model, " have been judged yet")
                                   : absl::StrCat(model.model, " is not trained: there is nothing that forms");
    return figure;
  }
  Fill(drawn,
       absl::StrCat(
           "Lines: share of each class among the accepted images, mean over the runs that got there; bands: ± one"
           " standard deviation. Dotted lines of the same colour: trained shares. Grey: images that are not"
           " counted (rejected, or of other classes), of all images. The last point is the final histogram,"
           " those before it are from fewer images. On a logarithmic axis a share of 0 stands on the lower"
           " edge.",
           corrected ? " Shares are corrected for the judge's errors on real images, those during training as"
                       " the final ones; that it errs on early images as on real ones is a bold supposition."
                     : ""),
       FormingCsv(model, reader), figure);
  return figure;
}

Figure LossesFigure(const ModelOfJob& model) {
  Figure figure;
  figure.kind = "losses";
  figure.title = absl::StrCat("Training losses, ", model.model);
  SeriesFigure drawn{figure.title, "loss", "generator updates", 1.5, {}};
  const BiasPointNames names = NamesOf(model.cells);
  bool any = false;
  bool gan = false;
  for (size_t i = 0; i < model.cells.size(); ++i) {
    const std::vector<const LossCurves*> losses = LossesOf(model, *model.cells[i]);
    any = any || !losses.empty();
    gan = gan || (!losses.empty() && losses.front()->names.front() == "loss_d");
    drawn.panels.push_back(LossPanel(losses));
    drawn.panels.back().title = PanelTitle(names, i);
  }
  if (!any) {
    figure.missing = Trains(model) ? absl::StrCat("no run of ", model.model, " has stored losses")
                                   : absl::StrCat(model.model, " is not trained: there are no losses");
    return figure;
  }
  Fill(drawn,
       absl::StrCat(gan ? "D: the discriminator's, G: the generator's loss (binary cross-entropy)."
                        : "The total and its terms, per image.",
                    " Lines: mean over the iterations of means over blocks of updates; bands: from the smallest to the"
                    " largest of the runs."),
       LossCsv(model), figure);
  return figure;
}

}  // namespace skew
