#include "server/train/engine/engine.h"

#include <ATen/CPUGeneratorImpl.h>
#include <ATen/Context.h>
#include <ATen/Parallel.h>
#include <ATen/Version.h>
#include <ATen/detail/CUDAHooksInterface.h>
#include <dlfcn.h>
#include <malloc.h>
#include <torch/version.h>

#include <limits>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "common/processor.h"
#include "server/train/engine/kernels.h"

namespace skew::train {
namespace {

// From 2.1 on LibTorch's transposed convolution is oneDNN's own.
constexpr bool kHasFastTransposedConvolution = TORCH_VERSION_MAJOR > 2 ||
                                               (TORCH_VERSION_MAJOR == 2 && TORCH_VERSION_MINOR >= 1);

// "OpenBLAS 0.3.21 ... Haswell", or empty when the BLAS is not OpenBLAS.
std::string OpenBlasConfiguration() {
  void* const symbol = dlsym(RTLD_DEFAULT, "openblas_get_config");
  if (symbol == nullptr) return "";
  return reinterpret_cast<char* (*)()>(symbol)();
}

// OpenBLAS's own words: 0 sequential, 1 threads of its own, 2 OpenMP. -1 when the BLAS is not OpenBLAS.
int OpenBlasThreading() {
  void* const symbol = dlsym(RTLD_DEFAULT, "openblas_get_parallel");
  return symbol == nullptr ? -1 : reinterpret_cast<int (*)()>(symbol)();
}

absl::StatusOr<at::Device> ParseDevice(const std::string& name) {
  if (name.empty() || name == "cpu") return at::Device(at::kCPU);
  int index = 0;
  if (absl::StartsWith(name, "cuda:") && absl::SimpleAtoi(name.substr(5), &index) && index >= 0 && index < 128) {
    return at::Device(at::kCUDA, static_cast<c10::DeviceIndex>(index));
  }
  return absl::InvalidArgumentError(absl::StrCat("'", name, "' is no device; 'cpu' and 'cuda:0' are"));
}

Convolutions ConvolutionsOnCpu() {
  if (FloatKernels() != nullptr) return Convolutions::kDirect;
  return kHasFastTransposedConvolution || !at::hasMKLDNN() ? Convolutions::kBuiltIn : Convolutions::kThroughConvolution;
}

constexpr int kCapabilityWithBFloat16 = 8;

// The major number of a GPU's compute capability, 0 when it cannot be found out. Asked of the driver, which is there
// wherever LibTorch has found a GPU, so that nothing of CUDA is needed to build this. Not tried on a GPU yet.
int CudaCapability(int index) {
  constexpr int kComputeCapabilityMajor = 75;
  void* const driver = dlopen("libcuda.so.1", RTLD_LAZY);
  if (driver == nullptr) return 0;
  const auto get_device = reinterpret_cast<int (*)(int*, int)>(dlsym(driver, "cuDeviceGet"));
  const auto get_attribute = reinterpret_cast<int (*)(int*, int, int)>(dlsym(driver, "cuDeviceGetAttribute"));
  int device = 0;
  int major = 0;
  if (get_device == nullptr || get_attribute == nullptr || get_device(&device, index) != 0) return 0;
  return get_attribute(&major, kComputeCapabilityMajor, device) == 0 ? major : 0;
}

}  // namespace

absl::StatusOr<Engine> EngineFor(const std::string& device) {
  const absl::StatusOr<at::Device> parsed = ParseDevice(device);
  if (!parsed.ok()) return parsed.status();
  if (parsed->is_cuda() && !at::hasCUDA()) {
    return absl::FailedPreconditionError(absl::StrCat("device ", device, " asked of a LibTorch without usable CUDA"));
  }
  if (parsed->is_cuda()) {
    const int gpus = at::detail::getCUDAHooks().getNumGPUs();
    if (parsed->index() >= gpus) {
      return absl::FailedPreconditionError(absl::StrCat("device ", device, " asked of a machine with ", gpus, " GPUs"));
    }
    // FP32 means it, and of the ways that cuDNN has, one is taken that repeats itself.
    at::globalContext().setAllowTF32CuDNN(false);
    at::globalContext().setAllowTF32CuBLAS(false);
    at::globalContext().setDeterministicCuDNN(true);
  }
  Engine engine;
  engine.device = *parsed;
  if (!parsed->is_cuda()) engine.convolutions = ConvolutionsOnCpu();
  return engine;
}

bool PrefersBFloat16(const Engine& engine) {
  if (engine.device.is_cuda()) return CudaCapability(engine.device.index()) >= kCapabilityWithBFloat16;
  return BFloat16Kernels() != nullptr && MultipliesBFloat16Faster();
}

void PrepareProcess() {
  // Tensors of every size come from one heap, which is not given back.
  mallopt(M_MMAP_THRESHOLD, std::numeric_limits<int>::max());
  mallopt(M_TRIM_THRESHOLD, std::numeric_limits<int>::max());
  mallopt(M_TOP_PAD, 64 << 20);
  at::globalContext().setFlushDenormal(true);
}

void SetThreads(int threads) { at::set_num_threads(threads); }

std::string EngineDescription() {
  const std::string blas = OpenBlasConfiguration();
  return absl::StrCat("LibTorch ", TORCH_VERSION, ", BLAS: ", blas.empty() ? "not OpenBLAS" : blas);
}

std::string BlasProblem() {
  const int threading = OpenBlasThreading();
  // A LibTorch built with MKL needs no other BLAS.
  if (threading == 2 || at::hasMKL()) return "";
  if (threading == -1)
    return "the BLAS is not OpenBLAS: matrix products may be ten times slower; install libopenblas0-openmp";
  if (threading == 1)
    return "OpenBLAS is the pthread build, which fights with OpenMP over the cores; install libopenblas0-openmp";
  return "OpenBLAS is the sequential build: more than one thread will not help; install libopenblas0-openmp";
}

at::Tensor Upload(const at::Tensor& tensor, at::Device device) {
  return device.is_cuda() ? tensor.pin_memory().to(device, /*non_blocking=*/true) : tensor;
}

at::Generator MakeGenerator(uint64_t seed) { return at::make_generator<at::CPUGeneratorImpl>(seed); }

}  // namespace skew::train
