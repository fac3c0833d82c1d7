// What generated images are like, beside real ones.
#ifndef SKEW_CLIENT_RENDER_MEASURES_TABLE_H_
#define SKEW_CLIENT_RENDER_MEASURES_TABLE_H_

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
};
const std::vector<MeasureColumn>& MeasureColumns();

// Those of a cell, in the order of the columns: of all images, then of each class that has any.
struct MeasureRow {
  std::string images;                         // "all", or the class
  std::vector<const v1::Estimate*> measures;  // null where there is none; of the cell
};
std::vector<MeasureRow> MeasureRowsOf(const v1::ResultCell& cell);

// Means, a row for each of MeasureRowsOf. At most 120 columns wide.
Table MeasuresTable(const v1::GetResultsResponse& results);

// "Measuring took 3.2 s a run, 5m 36s in all.": what ImageMeasures.measuring_seconds come to. "" where no run says.
std::string MeasuringText(const v1::GetResultsResponse& results);

// Every measure of every cell, one a row, unrounded. For CSV only.
Table AllMeasures(const v1::GetResultsResponse& results);

}  // namespace skew

#endif  // SKEW_CLIENT_RENDER_MEASURES_TABLE_H_
