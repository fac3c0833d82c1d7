#include "client/report/figure.h"

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "client/render/format.h"
#include "common/null_arm.h"

namespace skew {
namespace {

// Letters, digits, '#', '.', '_' and '-' only: part of a file's name.
std::string NamePart(absl::string_view text) {
  std::string name;
  for (const char c : text) {
    const bool plain = absl::ascii_isalnum(static_cast<unsigned char>(c)) || c == '#' || c == '.' || c == '_';
    name += plain ? c : '-';
  }
  return name;
}

void Add(Figure figure, const ModelOfJob& model, bool several_jobs, std::vector<Figure>& figures) {
  figure.job_id = model.job->job.id();
  figure.model = model.model;
  figure.name = absl::StrCat(figure.kind, "-", NamePart(model.model));
  if (several_jobs) absl::StrAppend(&figure.name, "-", NamePart(figure.job_id));
  if (figure.shares == Shares::kCorrected) figure.name += "-corrected";
  figures.push_back(std::move(figure));
}

double MostImagesOf(const std::vector<ModelOfJob>& models) {
  double most = 0;
  for (const ModelOfJob& model : models) {
    most = std::max({most, MostImages(model, Shares::kAsJudged), MostImages(model, Shares::kCorrected)});
  }
  return most;
}

}  // namespace

std::vector<ModelOfJob> ModelsOf(const JobData& job) {
  std::map<int32_t, ModelOfJob> models;
  for (const v1::ResultCell& cell : job.results.cells()) {
    ModelOfJob& model = models[cell.model_index()];
    model.job = &job;
    model.model_index = cell.model_index();
    model.model = cell.model();
    model.cells.push_back(&cell);
  }
  std::vector<ModelOfJob> result;
  result.reserve(models.size());
  for (auto& [index, model] : models) result.push_back(std::move(model));
  return result;
}

std::vector<const v1::Run*> RunsOf(const ModelOfJob& model, const v1::ResultCell& cell) {
  std::vector<const v1::Run*> runs;
  const std::string point = CountsText(cell.bias_point().counts());
  for (const v1::Run& run : model.job->runs) {
    const bool of_cell = run.model_index() == model.model_index && CountsText(run.bias_point().counts()) == point;
    if (of_cell && run.state() != v1::FAILED && run.state() != v1::CANCELLED) runs.push_back(&run);
  }
  return runs;
}

bool Trains(const ModelOfJob& model) { return !TrainsNothing(model.model); }

bool HasCorrected(const ModelOfJob& model) {
  for (const v1::ResultCell* cell : model.cells) {
    for (const v1::ClassResult& one : cell->classes()) {
      if (one.has_corrected()) return true;
    }
  }
  return false;
}

std::string BiasPointNames::Title(size_t i) const {
  return axis == "bias point" ? names[i] : absl::StrCat(axis, ": ", names[i]);
}

BiasPointNames NamesOf(const std::vector<const v1::ResultCell*>& cells) {
  std::map<int32_t, std::set<int32_t>> counts;
  for (const v1::ResultCell* cell : cells) {
    for (const auto& [label, count] : cell->bias_point().counts()) counts[label].insert(count);
  }
  std::set<int32_t> differing;
  std::vector<std::string> fixed;
  std::set<int32_t> fixed_counts;
  for (const auto& [label, values] : counts) {
    if (values.size() > 1) {
      differing.insert(label);
    } else {
      fixed.push_back(absl::StrCat("class ", label, ": ", *values.begin()));
      fixed_counts.insert(*values.begin());
    }
  }
  BiasPointNames result;
  result.fixed = absl::StrJoin(fixed, ", ");
  if (fixed.size() > 3 && fixed_counts.size() == 1) result.fixed = absl::StrCat("others: ", *fixed_counts.begin());
  result.axis = differing.size() == 1 ? absl::StrCat("class ", *differing.begin()) : "bias point";
  if (differing.empty()) result.fixed.clear();
  for (const v1::ResultCell* cell : cells) {
    std::vector<std::string> parts;
    for (const v1::ClassResult& one : cell->classes()) {
      if (differing.size() == 1 && differing.contains(one.class_()))
        parts.push_back(absl::StrCat(one.trained_images()));
      if (differing.size() != 1 && (differing.empty() || differing.contains(one.class_()))) {
        parts.push_back(absl::StrCat(one.class_(), ":", one.trained_images()));
      }
    }
    result.names.push_back(absl::StrJoin(parts, " "));
  }
  return result;
}

std::vector<Figure> StudyFigures(const StudyData& data) {
  std::vector<Figure> figures;
  const bool several = data.jobs.size() > 1;
  std::vector<ModelOfJob> models;
  for (const JobData& job : data.jobs) {
    for (ModelOfJob& model : ModelsOf(job)) models.push_back(std::move(model));
  }
  const double most_images = MostImagesOf(models);
  const std::map<int32_t, Axis> axes = ShareAxes(models);
  for (const ModelOfJob& model : models) {
    const bool corrected = HasCorrected(model);
    Add(CountsFigure(model, Shares::kAsJudged, most_images), model, several, figures);
    if (corrected) Add(CountsFigure(model, Shares::kCorrected, most_images), model, several, figures);
    Add(SharesFigure(model, Shares::kAsJudged, axes), model, several, figures);
    if (corrected) Add(SharesFigure(model, Shares::kCorrected, axes), model, several, figures);
    Add(MeasuresFigure(model), model, several, figures);
    Figure forming = FormingFigure(model, Shares::kAsJudged);
    const bool forms = forming.missing.empty();
    Add(std::move(forming), model, several, figures);
    if (corrected && forms) Add(FormingFigure(model, Shares::kCorrected), model, several, figures);
    Add(LossesFigure(model), model, several, figures);
  }
  return figures;
}

}  // namespace skew
