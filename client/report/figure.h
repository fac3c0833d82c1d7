// The figures of a study.
#ifndef SKEW_CLIENT_REPORT_FIGURE_H_
#define SKEW_CLIENT_REPORT_FIGURE_H_

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "client/report/drawing.h"
#include "client/report/study_data.h"

namespace skew {

// Which shares a figure is drawn from. What does not depend on them is kAsJudged and has no kCorrected twin.
enum class Shares { kAsJudged, kCorrected };

struct Figure {
  // "counts-dcgan", "shares-vae-corrected"; of several jobs "counts-dcgan-j5". Unique in a study.
  std::string name;
  // "counts", "shares", "measures", "forming" or "losses".
  std::string kind;
  std::string job_id;
  std::string model;
  Shares shares = Shares::kAsJudged;
  std::string title;
  // What must be known to read it, for the text below it.
  std::string caption;
  // Why there is nothing to draw yet; then the rest is empty.
  std::string missing;
  // CSS pixels, and what to draw in them: gnuplot commands that do not say where the output goes (see GnuplotTerminal).
  int width = 0;
  int height = 0;
  std::string script;
  // Every number that is drawn, unrounded, with a heading.
  std::string csv;
};

// All figures, by job and model:
//   counts    accepted images by class at every bias point, mean and sd over iterations, beside what is expected from
//             the training proportions; all of them on one axis
//   shares    generated against trained share of every class: runs, mean and interval; all of a class on one axis
//   measures  how real and how varied the images are at every bias point: runs, mean and interval
//   forming   shares of the classes over the training at every bias point
//   losses    training losses at every bias point
// Counts, shares and forming also corrected, where there is a correction. Pure: means and intervals are those of
// `data.results`, or made as those are.
std::vector<Figure> StudyFigures(const StudyData& data);

// Parts of the above, of one model of one job.
struct ModelOfJob {
  const JobData* job = nullptr;
  int32_t model_index = 0;
  std::string model;
  std::vector<const v1::ResultCell*> cells;  // one per bias point
};
// `most_images`: the largest MostImages of all that are to be compared. The axis is linear, from 0 to a little more.
Figure CountsFigure(const ModelOfJob& model, Shares shares, double most_images);
// `axes`: ShareAxes of all that are to be compared.
Figure SharesFigure(const ModelOfJob& model, Shares shares, const std::map<int32_t, Axis>& axes);
Figure MeasuresFigure(const ModelOfJob& model);
Figure FormingFigure(const ModelOfJob& model, Shares shares);
Figure LossesFigure(const ModelOfJob& model);

// The models of a job, by index.
std::vector<ModelOfJob> ModelsOf(const JobData& job);

// The highest that is drawn in CountsFigure: a bar with its whisker. 0 without a result.
double MostImages(const ModelOfJob& model, Shares shares);

// Both axes of every class in SharesFigure, in percent, by label: they hold all shares of all the models, as judged and
// corrected.
std::map<int32_t, Axis> ShareAxes(const std::vector<ModelOfJob>& models);

// Runs of a cell that count: those that ended without a result would make a mean jump where they end.
std::vector<const v1::Run*> RunsOf(const ModelOfJob& model, const v1::ResultCell& cell);

// False for the null arm.
bool Trains(const ModelOfJob& model);

// Whether the cells have corrected shares.
bool HasCorrected(const ModelOfJob& model);

// Names of the bias points in a figure: the counts that differ between them.
struct BiasPointNames {
  // "class 1" when only that differs, or "bias point"; and what is the same everywhere: "class 0: 2000, class 2: 2000",
  // or "others: 2000" of more than three.
  std::string axis;
  std::string fixed;
  std::vector<std::string> names;  // "250", or "0:900 1:250"

  // "class 1: 250", or "0:900 1:250"
  std::string Title(size_t i) const;
};
BiasPointNames NamesOf(const std::vector<const v1::ResultCell*>& cells);

}  // namespace skew

#endif  // SKEW_CLIENT_REPORT_FIGURE_H_
