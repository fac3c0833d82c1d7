// Single values as people read them.
#ifndef SKEW_CLIENT_RENDER_FORMAT_H_
#define SKEW_CLIENT_RENDER_FORMAT_H_

#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "google/protobuf/map.h"
#include "google/protobuf/timestamp.pb.h"
#include "skew/v1/job.pb.h"
#include "skew/v1/run.pb.h"

namespace skew {

// "RUNNING"; job states without their prefix.
std::string StateName(v1::RunState state);
std::string StateName(v1::JobState state);

// "0:2000 1:250 2:2000", by class.
std::string CountsText(const google::protobuf::Map<int32_t, int32_t>& counts);

// "0:49.4% 1:1.2% 2:49.4%": the shares among the accepted images of the job's classes. "" when there are none.
std::string SharesText(const v1::ClassHistogram& histogram);

// "loss_d 1.320 loss_g 0.841", by name.
std::string MetricsText(const google::protobuf::Map<std::string, double>& metrics);

// `value` with `digits` after the point; "-" when it is not finite.
std::string Fixed(double value, int digits);
// A number for programs: as short as it can be without losing anything. "" when it is not finite.
std::string Exact(double value);

// "45s", "3m 05s", "1h 02m", "2d 03h"; "-" when it is negative or endless.
std::string DurationText(absl::Duration duration);

// "1 run", "2 runs"; what does not take an s has its own `plural`.
std::string Counted(int64_t count, absl::string_view noun, absl::string_view plural = "");

// "2026-11-24 10:43:32", in UTC.
std::string TimeText(const google::protobuf::Timestamp& time);
// RFC 3339, in UTC.
std::string ExactTime(const google::protobuf::Timestamp& time);

// "512 B", "12.3 KiB"
std::string BytesText(int64_t bytes);

// `fraction` (clamped to 0..1) of `width` columns in block characters, filled up with spaces.
std::string Bar(double fraction, int width);

// "400/6000", trained and to train; "-" for a run that trains nothing.
std::string StepsText(const v1::Progress& progress);

// Part of a run that is done, 0 to 1.
double DoneFraction(const v1::Run& run);

}  // namespace skew

#endif  // SKEW_CLIENT_RENDER_FORMAT_H_
