#include "server/jobs/device_spec.h"

#include <sched.h>

#include <algorithm>
#include <filesystem>
#include <string>
#include <system_error>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"

namespace skew {
namespace {

// Indices of the GPUs that the NVIDIA driver lists.
std::vector<int32_t> InstalledGpus() {
  std::vector<int32_t> gpus;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator("/proc/driver/nvidia/gpus", error)) {
    (void)entry;
    gpus.push_back(static_cast<int32_t>(gpus.size()));
  }
  return gpus;
}

absl::Status BadSpec(absl::string_view spec, absl::string_view problem) {
  return absl::InvalidArgumentError(
      absl::StrCat("devices '", spec, "': ", problem,
                   "; right would be cpu, cpu:SLOTSxCORES (such as cpu:2x1), cuda:all or cuda:0,2"));
}

absl::StatusOr<std::vector<Lease>> ParseCpu(absl::string_view spec, absl::string_view shape,
                                            const std::vector<int32_t>& cores) {
  size_t slots = cores.size();
  size_t cores_per_slot = 1;
  if (!shape.empty()) {
    const std::vector<std::string> numbers = absl::StrSplit(shape, 'x');
    if (numbers.size() != 2 || !absl::SimpleAtoi(numbers[0], &slots) ||
        !absl::SimpleAtoi(numbers[1], &cores_per_slot) || slots == 0 || cores_per_slot == 0) {
      return BadSpec(spec, "not SLOTSxCORES");
    }
  }
  if (slots > cores.size() || slots * cores_per_slot > cores.size()) {
    return BadSpec(spec, absl::StrCat("more cores than the ", cores.size(), " this process may use"));
  }
  std::vector<Lease> devices;
  for (size_t slot = 0; slot < slots; ++slot) {
    const auto first = cores.begin() + static_cast<ptrdiff_t>(slot * cores_per_slot);
    devices.push_back({absl::StrCat("cpu", slot),
                       "cpu",
                       {first, first + static_cast<ptrdiff_t>(cores_per_slot)},
                       absl::StrCat("cpu x", cores_per_slot)});
  }
  return devices;
}

absl::StatusOr<std::vector<Lease>> ParseCuda(absl::string_view spec, absl::string_view list,
                                             const std::vector<int32_t>& cores) {
  std::vector<int32_t> gpus;
  if (list == "all") {
    gpus = InstalledGpus();
    if (gpus.empty()) return BadSpec(spec, "the NVIDIA driver lists no GPU on this machine");
  } else {
    for (const absl::string_view text : absl::StrSplit(list, ',')) {
      int32_t gpu = 0;
      if (!absl::SimpleAtoi(text, &gpu) || gpu < 0)
        return BadSpec(spec, absl::StrCat("'", text, "' is not a GPU's number"));
      if (std::find(gpus.begin(), gpus.end(), gpu) != gpus.end())
        return BadSpec(spec, absl::StrCat("GPU ", gpu, " twice"));
      gpus.push_back(gpu);
    }
  }
  std::vector<Lease> devices;
  devices.reserve(gpus.size());
  for (const int32_t gpu : gpus)
    devices.push_back({absl::StrCat("cuda", gpu), absl::StrCat("cuda:", gpu), cores, "cuda", gpu});
  return devices;
}

}  // namespace

absl::StatusOr<std::vector<Lease>> ParseDevices(absl::string_view spec, const std::vector<int32_t>& cores) {
  absl::string_view rest = spec;
  if (rest == "cpu" || absl::ConsumePrefix(&rest, "cpu:")) return ParseCpu(spec, rest == "cpu" ? "" : rest, cores);
  if (absl::ConsumePrefix(&rest, "cuda:")) return ParseCuda(spec, rest, cores);
  return BadSpec(spec, "unknown kind");
}

std::vector<int32_t> UsableCores() {
  cpu_set_t set;
  CPU_ZERO(&set);
  std::vector<int32_t> cores;
  if (sched_getaffinity(0, sizeof(set), &set) != 0) return {0};
  for (int core = 0; core < CPU_SETSIZE; ++core) {
    if (CPU_ISSET(core, &set)) cores.push_back(core);
  }
  return cores;
}

}  // namespace skew
