// What generated images are like, beside real ones.
#ifndef SKEW_CLIENT_RENDER_MEASURES_TABLE_H_
#define SKEW_CLIENT_RENDER_MEASURES_TABLE_H_

#include <cstdint>
#include <string>
#include <vector>

#include "client/render/table.h"
#include "skew/v1/job_service.pb.h"

namespace skew {

// The measures that are shown to people, of those in run.proto's ImageMeasures.
struct MeasureColumn {
  std::string measure;  // "frechet"
  std::string title;    // "Frechet"
  int decimals = 0;
  bool lower_end = false;  // of an interval: shown as "≥33821"
  bool page_only = false;  // the table for terminals has no room for it
};
const std::vector<MeasureColumn>& MeasureColumns();

// Those of a cell, in the order of the columns: of all images, then of each class, also of one that no run had enough
// images of. None where nothing was measured.
struct MeasureRow {
  std::string images;                         // "all", or the class
  std::vector<const v1::Estimate*> measures;  // null where there is none; of the cell
  int32_t runs = 0;                           // that it is of
};
std::vector<MeasureRow> MeasureRowsOf(const v1::ResultCell& cell);

// "-" or its mean, as text that is no HTML.
std::string MeasureText(const v1::Estimate* estimate, const MeasureColumn& column);
// "5", or "3/5" where not all runs that succeeded have it.
std::string MeasuredRunsText(const MeasureRow& row, const v1::ResultCell& cell);

// What the columns of MeasuresTable are.
extern const char kMeasuresLegend[];

// Means, a row for each of MeasureRowsOf, without what is for pages only. At most 120 columns wide.
Table MeasuresTable(const v1::GetResultsResponse& results);

// What must be known to read them, as sentences: that fewer images were measured than by default, and why rows are not
// of all runs. "" where there is nothing.
std::string MeasuresNotes(const v1::GetResultsResponse& results);

// "Measuring took 3.2 s a run, 5m 36s in all.": what ImageMeasures.measuring_seconds come to. "" where no run says.
std::string MeasuringText(const v1::GetResultsResponse& results);

// Every measure of every cell, one a row, unrounded. For CSV only.
Table AllMeasures(const v1::GetResultsResponse& results);

}  // namespace skew

#endif  // SKEW_CLIENT_RENDER_MEASURES_TABLE_H_
