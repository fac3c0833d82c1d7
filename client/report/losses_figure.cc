// Training losses, over the training.
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

namespace skew {
namespace {

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
    std::map<int32_t, std::vector<double>> values;
    for (const LossCurves* curves : losses) {
      if (curves->names != names) continue;
      for (size_t k = 0; k < curves->steps.size(); ++k) values[curves->steps[k]].push_back(curves->means[i][k]);
    }
    Series series{LossName(names[i]), LookOfClass(static_cast<int32_t>(i))};
    series.look.dash = 1;  // a jagged line with gaps would hide where it goes; its colour tells it apart
    std::vector<PointValues> points;
    points.reserve(values.size());
    for (auto& [step, of_runs] : values) points.push_back({step, std::move(of_runs)});
    AddPoints(points, Band::kRange, series);
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

}  // namespace

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
    drawn.panels.back().title = names.Title(i);
  }
  if (!any) {
    figure.missing = Trains(model) ? absl::StrCat("no run of ", model.model, " has stored losses")
                                   : absl::StrCat(model.model, " is not trained: there are no losses");
    return figure;
  }
  Draw(drawn, figure);
  figure.caption = absl::StrCat(
      gan ? "D: the discriminator's, G: the generator's loss (binary cross-entropy)."
          : "The total and its terms, per image.",
      " Lines: mean over the iterations of means over blocks of updates; bands: from the smallest to the largest of the"
      " runs.");
  figure.csv = LossCsv(model);
  return figure;
}

}  // namespace skew
