#include "client/report/measure_panels.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "common/image_measure_results.h"

namespace skew {
namespace {

// Measures that are not of classes have no class's colour.
const Look kFirstLook = {"#222222", "#222222", 7, 1};
const Look kSecondLook = {"#8C8C8C", kSoftText, 13, 2};

// What stands beside each other in a panel: one or two measures of all images, or one of every class.
struct PanelPlan {
  const char* title;
  bool of_classes;
  std::vector<std::pair<const char*, const char*>> measures;  // and their names
};
const std::vector<PanelPlan>& PanelPlans() {
  static const auto* const kPlans = new std::vector<PanelPlan>{
      {"Frechet distance, all images", false, {{"frechet", "as trained"}, {"frechet_balanced", "balanced"}}},
      {"Frechet distance within classes", true, {{"frechet", ""}}},
      {"Vendi score within classes", true, {{"vendi", ""}}},
      {"precision and recall", false, {{"precision", "precision"}, {"recall", "recall"}}},
      {"density and coverage", false, {{"density", "density"}, {"coverage", "coverage"}}},
      {"Vendi score, all images", false, {{"vendi", "generated"}, {"real_vendi", "real"}}}};
  return *kPlans;
}

const v1::MeasureResult* MeasureIn(const v1::ResultCell& cell, const std::string& measure,
                                   std::optional<int32_t> label) {
  for (const v1::MeasureResult& one : cell.image_measures()) {
    if (one.measure() == measure && one.has_class_() == label.has_value() && one.class_() == label.value_or(0)) {
      return &one;
    }
  }
  return nullptr;
}

// The value of every run of the cell that has it: what one run comes to is its own mean.
std::vector<std::pair<std::string, double>> RunValues(const ModelOfJob& model, const v1::ResultCell& cell,
                                                      const MeasureSeries& series) {
  std::vector<std::pair<std::string, double>> values;
  for (const v1::RunResult& result : cell.runs()) {
    const auto run = std::find_if(model.job->runs.begin(), model.job->runs.end(),
                                  [&](const v1::Run& one) { return one.id() == result.run_id(); });
    if (run == model.job->runs.end()) continue;
    v1::ResultCell alone;
    for (v1::MeasureResult& one : MeasureResultsOf({&*run})) *alone.add_image_measures() = std::move(one);
    const v1::MeasureResult* measured = MeasureIn(alone, series.measure, series.label);
    if (measured != nullptr) values.emplace_back(run->id(), measured->estimate().mean());
  }
  return values;
}

void AddPoints(const ModelOfJob& model, MeasureSeries& series) {
  for (size_t i = 0; i < model.cells.size(); ++i) {
    const v1::MeasureResult* measured = MeasureIn(*model.cells[i], series.measure, series.label);
    if (measured == nullptr) continue;
    MeasuredPoint& point = series.points.emplace_back();
    point = {i, measured->estimate(), RunValues(model, *model.cells[i], series)};
    point.of_all_runs = static_cast<int32_t>(point.runs.size()) >= model.cells[i]->runs_succeeded();
  }
}

MeasurePanel PanelOf(const ModelOfJob& model, const PanelPlan& plan) {
  MeasurePanel panel{plan.title, {}};
  if (plan.of_classes) {
    for (const v1::ClassResult& one : model.cells.front()->classes()) {
      panel.series.push_back(
          {plan.measures[0].first, one.class_(), absl::StrCat(one.class_()), LookOfClass(one.class_()), {}});
    }
  } else {
    for (const auto& [measure, name] : plan.measures) {
      panel.series.push_back({measure, std::nullopt, name, panel.series.empty() ? kFirstLook : kSecondLook, {}});
    }
  }
  for (MeasureSeries& series : panel.series) AddPoints(model, series);
  std::erase_if(panel.series, [](const MeasureSeries& series) { return series.points.empty(); });
  return panel;
}

}  // namespace

std::vector<MeasurePanel> MeasurePanelsOf(const ModelOfJob& model) {
  std::vector<MeasurePanel> panels;
  for (const PanelPlan& plan : PanelPlans()) panels.push_back(PanelOf(model, plan));
  return panels;
}

}  // namespace skew
