// Shares of the classes over the training.
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "client/render/format.h"
#include "client/render/table.h"
#include "client/report/drawing.h"
#include "client/report/figure.h"
#include "client/report/small_multiples.h"
#include "common/judges.h"
#include "common/result_parts.h"
#include "common/results.h"
#include "common/stats/cell.h"

namespace skew {
namespace {

// A share of n images has a standard error of up to 50 / sqrt(n) percentage points: 7 of 50, and of one image the share
// is 0 or 100%. Early images are mostly rejected.
constexpr int32_t kFewestAccepted = 50;

// Whether so many of the runs make a point. More than half: then what differs from the point before it is not which
// runs there are, and of several runs no point is of one alone, which would have no deviation and look the surest.
constexpr bool MakePoint(size_t counted, size_t runs) { return 2 * counted > runs; }

// Shares of the classes of a job among the accepted images of a histogram.
class ShareReader {
 public:
  ShareReader(const ModelOfJob& model, Shares kind)
      : kind_(kind),
        judged_on_(Trains(model) ? stats::JudgedOn::kAnyImages : stats::JudgedOn::kHeldOutImages),
        classifiers_(model.job->results.classifiers().begin(), model.job->results.classifiers().end()),
        judges_(classifiers_) {
    for (const v1::ClassResult& one : model.cells.front()->classes()) labels_.push_back(one.class_());
  }

  // NaN where there is none: without an accepted image, and corrected without a judge to correct for.
  double Of(const v1::ClassHistogram& histogram, int32_t label) {
    if (kind_ == Shares::kAsJudged || AcceptedImages(histogram) == 0) return GeneratedShare(histogram, label);
    const JudgeCorrections* judge = judges_.Find(histogram.classifier_digest(), labels_, judged_on_);
    if (judge == nullptr) return std::numeric_limits<double>::quiet_NaN();
    const std::vector<double> corrected =
        judge->decisions.mean.Shares(stats::SharesOf(AcceptedCounts(histogram, labels_)));
    return corrected[static_cast<size_t>(std::find(labels_.begin(), labels_.end(), label) - labels_.begin())];
  }

 private:
  const Shares kind_;
  const stats::JudgedOn judged_on_;
  const std::vector<v1::Classifier> classifiers_;
  Judges judges_;  // of classifiers_
  std::vector<int> labels_;
};

struct RunHistograms {
  const v1::Run* run = nullptr;
  const std::map<int32_t, v1::ClassHistogram>* by_step = nullptr;
};

// The histograms of a cell along the way, and which of them are drawn.
class CellHistograms {
 public:
  CellHistograms(const ModelOfJob& model, const v1::ResultCell& cell, ShareReader& reader)
      : cell_(cell), reader_(reader) {
    for (const v1::Run* run : skew::RunsOf(model, cell)) {
      const auto found = model.job->histograms.find(run->id());
      if (found != model.job->histograms.end()) runs_.push_back({run, &found->second});
    }
    for (const RunHistograms& one : runs_) {
      for (const auto& [step, histogram] : *one.by_step) counted_[step] += Counts(histogram) ? 1 : 0;
    }
  }

  const std::vector<RunHistograms>& runs() const { return runs_; }
  int32_t LastStep() const { return counted_.empty() ? 0 : counted_.rbegin()->first; }
  // Whether the histogram's shares are in a point of the figure.
  bool Drawn(int32_t step, const v1::ClassHistogram& histogram) const {
    return Counts(histogram) && MakePoint(counted_.at(step), runs_.size());
  }

  // In percent, of the runs that count; at steps that have no point, of none.
  std::vector<PointValues> SharesOf(int32_t label) const {
    return Values([&](int32_t step, const v1::ClassHistogram& histogram) { return Drawn(step, histogram); },
                  [&](const v1::ClassHistogram& histogram) { return 100 * reader_.Of(histogram, label); });
  }
  // Rejected or of another class, in percent of all images.
  std::vector<PointValues> NotCounted() const {
    return Values([](int32_t /*step*/, const v1::ClassHistogram& histogram) { return histogram.images() > 0; },
                  [](const v1::ClassHistogram& histogram) {
                    return 100.0 * (histogram.rejected() + histogram.off_support()) / histogram.images();
                  });
  }

 private:
  bool Counts(const v1::ClassHistogram& histogram) const {
    return AcceptedImages(histogram) >= kFewestAccepted &&
           std::isfinite(reader_.Of(histogram, cell_.classes(0).class_()));
  }

  template <typename Has, typename Value>
  std::vector<PointValues> Values(const Has& has, const Value& value) const {
    std::vector<PointValues> points;
    for (const auto& [step, counted] : counted_) {
      PointValues& point = points.emplace_back(PointValues{step, {}});
      for (const RunHistograms& one : runs_) {
        const auto found = one.by_step->find(step);
        if (found == one.by_step->end() || !has(step, found->second)) continue;
        point.values.push_back(value(found->second));
      }
    }
    return points;
  }

  const v1::ResultCell& cell_;
  ShareReader& reader_;
  std::vector<RunHistograms> runs_;
  std::map<int32_t, size_t> counted_;  // runs whose histogram of the step counts
};

SeriesPanel PanelOf(const CellHistograms& histograms, const v1::ResultCell& cell) {
  SeriesPanel panel;
  for (const v1::ClassResult& one : cell.classes()) {
    Series series{absl::StrCat("class ", one.class_()), LookOfClass(one.class_())};
    series.reference = Reference{100 * one.trained_share(), one.class_()};
    series.points = true;
    AddPoints(histograms.SharesOf(one.class_()), Band::kDeviation, series);
    panel.series.push_back(std::move(series));
  }
  Series rest{"not counted", {"#8C8C8C", kSoftText, 7, 1}};
  AddPoints(histograms.NotCounted(), Band::kDeviation, rest);
  rest.low.clear();
  rest.high.clear();
  panel.series.push_back(std::move(rest));
  return panel;
}

std::string Csv(const ModelOfJob& model, ShareReader& reader) {
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
               {"", "off_support"},
               {"", "accepted_of_all_classes"},
               {"", "drawn"}});
  for (const v1::ResultCell* cell : model.cells) {
    const CellHistograms histograms(model, *cell, reader);
    for (const auto& [run, by_step] : histograms.runs()) {
      for (const auto& [step, histogram] : *by_step) {
        for (const v1::ClassResult& one : cell->classes()) {
          const auto count = histogram.counts().find(one.class_());
          table.AddRow({model.model, CountsText(cell->bias_point().counts()), run->id(), absl::StrCat(run->iteration()),
                        absl::StrCat(step), Exact(histogram.epoch()), absl::StrCat(histogram.images()),
                        absl::StrCat(one.class_()), absl::StrCat(count == histogram.counts().end() ? 0 : count->second),
                        Exact(reader.Of(histogram, one.class_())), absl::StrCat(histogram.rejected()),
                        absl::StrCat(histogram.off_support()), absl::StrCat(AcceptedImages(histogram)),
                        histograms.Drawn(step, histogram) ? "1" : "0"});
        }
      }
    }
  }
  return table.ToCsv();
}

std::string Caption(bool corrected) {
  return absl::StrCat(
      "Share of each class among the accepted images, mean over the runs that have ", kFewestAccepted,
      " of these or more; where they are not more than half of the runs there is a gap, as a share of so few images "
      "says"
      " nothing. Bands: ± one standard deviation. Dotted: trained shares, at their right the class; grey with several"
      " classes where these coincide. Not counted: rejected images and those of other classes, of all images and runs."
      " The last point is the final histogram, those before it are from fewer images. On a logarithmic axis a share of "
      "0"
      " stands on the lower edge.",
      corrected
          ? " Shares are corrected for the judge's errors on real images, those during training as the final ones;"
            " that it errs on early images as on real ones is a bold supposition."
          : "");
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
  bool judged = false;
  int32_t last_step = 0;
  const BiasPointNames names = NamesOf(model.cells);
  for (size_t i = 0; i < model.cells.size(); ++i) {
    const CellHistograms histograms(model, *model.cells[i], reader);
    judged = judged || !histograms.runs().empty();
    last_step = std::max(last_step, histograms.LastStep());
    drawn.panels.push_back(PanelOf(histograms, *model.cells[i]));
    drawn.panels.back().title = names.Title(i);
  }
  if (last_step == 0) {
    figure.missing = judged ? absl::StrCat(model.model, " is not trained: there is nothing that forms")
                            : absl::StrCat("no images of ", model.model, " have been judged yet");
    return figure;
  }
  Draw(drawn, figure);
  figure.caption = Caption(corrected);
  figure.csv = Csv(model, reader);
  return figure;
}

}  // namespace skew
