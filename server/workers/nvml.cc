#include "server/workers/nvml.h"

#include <dlfcn.h>

#include <array>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/status.h"

namespace skew {
namespace {

// The part of NVML's binary interface that is used here, as its documentation gives it.
using Return = int;
using Device = void*;
struct Memory {
  unsigned long long total;  // NOLINT(google-runtime-int): the library's type, here and below
  unsigned long long free;   // NOLINT(google-runtime-int)
  unsigned long long used;   // NOLINT(google-runtime-int)
};
struct ProcessInfo {
  unsigned int pid;
  unsigned long long used_memory;  // NOLINT(google-runtime-int): all ones when it is not available
  unsigned int gpu_instance;
  unsigned int compute_instance;
};
constexpr Return kSuccess = 0;
constexpr Return kInsufficientSize = 7;
constexpr unsigned long long kNotAvailable = ~0ULL;  // NOLINT(google-runtime-int)
constexpr unsigned int kNameBytes = 96;
// More processes than that on one GPU come and go faster than they can be counted.
constexpr unsigned int kMostProcesses = 4096;

}  // namespace

struct Nvml::Functions {
  void* library = nullptr;
  Return (*init)() = nullptr;
  Return (*shutdown)() = nullptr;
  const char* (*error_string)(Return) = nullptr;
  Return (*device_count)(unsigned int*) = nullptr;
  Return (*device_by_index)(unsigned int, Device*) = nullptr;
  Return (*device_name)(Device, char*, unsigned int) = nullptr;
  Return (*device_memory)(Device, Memory*) = nullptr;
  Return (*device_processes)(Device, unsigned int*, ProcessInfo*) = nullptr;

  ~Functions() {
    if (library != nullptr) dlclose(library);
  }

  template <typename Function>
  bool Find(const char* name, Function& function) {
    function = reinterpret_cast<Function>(dlsym(library, name));
    return function != nullptr;
  }

  absl::Status FindAll() {
    const char* missing = nullptr;
    const auto find = [&](const char* name, auto& function) {
      if (!Find(name, function) && missing == nullptr) missing = name;
    };
    find("nvmlInit_v2", init);
    find("nvmlShutdown", shutdown);
    find("nvmlErrorString", error_string);
    find("nvmlDeviceGetCount_v2", device_count);
    find("nvmlDeviceGetHandleByIndex_v2", device_by_index);
    find("nvmlDeviceGetName", device_name);
    find("nvmlDeviceGetMemoryInfo", device_memory);
    // Drivers before 510 have only the second version, which has the same form.
    if (!Find("nvmlDeviceGetComputeRunningProcesses_v3", device_processes)) {
      find("nvmlDeviceGetComputeRunningProcesses_v2", device_processes);
    }
    if (missing == nullptr) return absl::OkStatus();
    return absl::FailedPreconditionError(absl::StrCat("the library has no ", missing));
  }

  std::string Text(const char* call, Return code) const { return absl::StrCat(call, ": ", error_string(code)); }
};

Nvml::Nvml(std::unique_ptr<Functions> functions) : nvml_(std::move(functions)) {}

Nvml::~Nvml() {
  absl::MutexLock lock(&mutex_);
  nvml_->shutdown();
}

absl::StatusOr<std::unique_ptr<Nvml>> Nvml::Load(const std::string& library) {
  auto functions = std::make_unique<Functions>();
  functions->library = dlopen(library.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (functions->library == nullptr) return absl::NotFoundError(dlerror());
  const absl::Status found = functions->FindAll();
  if (!found.ok()) return Annotate(found, library);
  const Return code = functions->init();
  if (code != kSuccess) {
    return absl::FailedPreconditionError(absl::StrCat(library, ": ", functions->Text("nvmlInit", code)));
  }
  return std::unique_ptr<Nvml>(new Nvml(std::move(functions)));
}

absl::StatusOr<std::vector<GpuReading>> Nvml::Read() {
  absl::MutexLock lock(&mutex_);
  unsigned int count = 0;
  const Return code = nvml_->device_count(&count);
  if (code != kSuccess) return absl::UnavailableError(nvml_->Text("nvmlDeviceGetCount", code));
  std::vector<GpuReading> readings;
  for (unsigned int index = 0; index < count; ++index) readings.push_back(ReadOne(index));
  return readings;
}

GpuReading Nvml::ReadOne(unsigned int index) {
  GpuReading reading;
  Device device = nullptr;
  Return code = nvml_->device_by_index(index, &device);
  if (code != kSuccess) {
    reading.problem = nvml_->Text("nvmlDeviceGetHandleByIndex", code);
    return reading;
  }
  std::array<char, kNameBytes> name{};
  code = nvml_->device_name(device, name.data(), kNameBytes);
  if (code != kSuccess) reading.problem = nvml_->Text("nvmlDeviceGetName", code);
  reading.name = name.data();
  Memory memory{};
  code = nvml_->device_memory(device, &memory);
  if (code != kSuccess) reading.problem = nvml_->Text("nvmlDeviceGetMemoryInfo", code);
  reading.memory_bytes = static_cast<int64_t>(memory.total);
  reading.used_bytes = static_cast<int64_t>(memory.used);
  std::vector<ProcessInfo> processes(16);
  auto count = static_cast<unsigned int>(processes.size());
  code = nvml_->device_processes(device, &count, processes.data());
  while (code == kInsufficientSize && processes.size() < kMostProcesses) {
    // New ones may come while room is made for those there are.
    processes.resize(2 * processes.size());
    count = static_cast<unsigned int>(processes.size());
    code = nvml_->device_processes(device, &count, processes.data());
  }
  if (code != kSuccess) {
    reading.problem = nvml_->Text("nvmlDeviceGetComputeRunningProcesses", code);
    return reading;
  }
  for (unsigned int i = 0; i < count; ++i) {
    const auto bytes = processes[i].used_memory == kNotAvailable ? 0 : static_cast<int64_t>(processes[i].used_memory);
    reading.processes.push_back({processes[i].pid, bytes});
  }
  return reading;
}

}  // namespace skew
