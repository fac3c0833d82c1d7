// Jobs, runs, artifacts and what the server has, as tables.
//
// Each list has two forms: for people (short, local time) and raw (every value as it is, for CSV).
#ifndef SKEW_CLIENT_RENDER_LISTS_H_
#define SKEW_CLIENT_RENDER_LISTS_H_

#include "absl/time/time.h"
#include "absl/types/span.h"
#include "client/render/style.h"
#include "client/render/table.h"
#include "skew/v1/device.pb.h"
#include "skew/v1/job.pb.h"
#include "skew/v1/run.pb.h"
#include "skew/v1/server_service.pb.h"

namespace skew {

// `now` is the end of what still goes on.
Table JobTable(absl::Span<const v1::Job> jobs, absl::Time now, const Style& style);
Table RawJobTable(absl::Span<const v1::Job> jobs);

Table RunTable(absl::Span<const v1::Run> runs);
Table RawRunTable(absl::Span<const v1::Run> runs);

Table ArtifactTable(absl::Span<const v1::Artifact> artifacts, const Style& style);
Table RawArtifactTable(absl::Span<const v1::Artifact> artifacts);

Table DeviceTable(absl::Span<const v1::Device> devices, absl::Time now);
Table RawDeviceTable(absl::Span<const v1::Device> devices);

Table DatasetTable(absl::Span<const v1::Dataset> datasets);
Table RawDatasetTable(absl::Span<const v1::Dataset> datasets);

Table ClassifierTable(absl::Span<const v1::Classifier> classifiers);
Table RawClassifierTable(absl::Span<const v1::Classifier> classifiers);

}  // namespace skew

#endif  // SKEW_CLIENT_RENDER_LISTS_H_
