// A library with NVML's functions whose GPUs are lines of the file that STAND_IN_NVML names, read anew at every call:
//
//   gpu NAME TOTAL_BYTES USED_BYTES [pid:bytes ...]
//   broken CODE                      a GPU that answers every question with this error
//
// `init CODE` as first line lets the initialisation fail; a file that is not there lets nvmlDeviceGetCount fail.
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

namespace {

struct Gpu {
  std::string name;
  unsigned long long total = 0;
  unsigned long long used = 0;
  std::vector<std::pair<unsigned int, unsigned long long>> processes;
  int code = 0;
};

struct Box {
  bool there = false;
  int init_code = 0;
  std::vector<Gpu> gpus;
};

Box ReadBox() {
  Box box;
  const char* path = std::getenv("STAND_IN_NVML");
  std::ifstream file(path == nullptr ? "" : path);
  box.there = file.good();
  std::string line;
  while (std::getline(file, line)) {
    std::istringstream words(line);
    std::string kind;
    words >> kind;
    if (kind == "init") words >> box.init_code;
    if (kind != "gpu" && kind != "broken") continue;
    Gpu gpu;
    if (kind == "broken") words >> gpu.code;
    if (kind == "gpu") words >> gpu.name >> gpu.total >> gpu.used;
    std::string process;
    while (words >> process) {
      gpu.processes.emplace_back(std::stoul(process), std::stoull(process.substr(process.find(':') + 1)));
    }
    box.gpus.push_back(std::move(gpu));
  }
  return box;
}

// A handle is the index and one.
const Gpu* Find(const Box& box, void* device) {
  const auto index = reinterpret_cast<size_t>(device) - 1;
  return index < box.gpus.size() ? &box.gpus[index] : nullptr;
}

constexpr int kInvalidArgument = 2;
constexpr int kInsufficientSize = 7;
constexpr int kGpuIsLost = 15;

}  // namespace

extern "C" {

struct StandInMemory {
  unsigned long long total;
  unsigned long long free;
  unsigned long long used;
};
struct StandInProcess {
  unsigned int pid;
  unsigned long long used;
  unsigned int gpu_instance;
  unsigned int compute_instance;
};

int nvmlInit_v2() { return ReadBox().init_code; }
int nvmlShutdown() { return 0; }

const char* nvmlErrorString(int code) {
  if (code == 9) return "Driver Not Loaded";
  return code == kGpuIsLost ? "GPU is lost" : "Unknown Error";
}

int nvmlDeviceGetCount_v2(unsigned int* count) {
  const Box box = ReadBox();
  *count = static_cast<unsigned int>(box.gpus.size());
  return box.there ? 0 : 999;
}

int nvmlDeviceGetHandleByIndex_v2(unsigned int index, void** device) {
  const Box box = ReadBox();
  if (index >= box.gpus.size()) return kInvalidArgument;
  // A handle is any address; the callers read its number back.
  *device = reinterpret_cast<void*>(size_t{index} + 1);  // NOLINT(performance-no-int-to-ptr): it is not followed
  return box.gpus[index].code;
}

int nvmlDeviceGetName(void* device, char* name, unsigned int bytes) {
  const Box box = ReadBox();
  const Gpu* gpu = Find(box, device);
  if (gpu == nullptr) return kGpuIsLost;
  std::snprintf(name, bytes, "%s", gpu->name.c_str());
  return gpu->code;
}

int nvmlDeviceGetMemoryInfo(void* device, StandInMemory* memory) {
  const Box box = ReadBox();
  const Gpu* gpu = Find(box, device);
  if (gpu == nullptr) return kGpuIsLost;
  *memory = {gpu->total, gpu->total - gpu->used, gpu->used};
  return gpu->code;
}

int nvmlDeviceGetComputeRunningProcesses_v3(void* device, unsigned int* count, StandInProcess* processes) {
  const Box box = ReadBox();
  const Gpu* gpu = Find(box, device);
  if (gpu == nullptr) return kGpuIsLost;
  const unsigned int room = *count;
  *count = static_cast<unsigned int>(gpu->processes.size());
  if (room < *count) return kInsufficientSize;
  for (unsigned int i = 0; i < *count; ++i) processes[i] = {gpu->processes[i].first, gpu->processes[i].second, 0, 0};
  return gpu->code;
}

}  // extern "C"
