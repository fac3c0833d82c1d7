// What the listing commands show, one table per kind of thing.
#ifndef SKEW_CLIENT_RENDER_LISTINGS_H_
#define SKEW_CLIENT_RENDER_LISTINGS_H_

#include "absl/types/span.h"
#include "client/render/table.h"
#include "skew/v1/device.pb.h"
#include "skew/v1/job.pb.h"
#include "skew/v1/run.pb.h"
#include "skew/v1/server_service.pb.h"

namespace skew {

Table JobTable(absl::Span<const v1::Job> jobs);
// Of deleted ones.
Table DeletedJobTable(absl::Span<const v1::Job> jobs);
Table RunTable(absl::Span<const v1::Run> runs);
Table ArtifactTable(absl::Span<const v1::Artifact> artifacts);
Table DeviceTable(absl::Span<const v1::Device> devices);
Table DatasetTable(absl::Span<const v1::Dataset> datasets);
Table ClassifierTable(absl::Span<const v1::Classifier> classifiers);

}  // namespace skew

#endif  // SKEW_CLIENT_RENDER_LISTINGS_H_
