// Where tensors live and which implementation computes what LibTorch has more than one of.
#ifndef SKEW_SERVER_TRAIN_ENGINE_ENGINE_H_
#define SKEW_SERVER_TRAIN_ENGINE_ENGINE_H_

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "server/train/torch.h"

namespace skew::train {

enum class TransposedConvolution {
  // LibTorch's own operator. On a CPU before LibTorch 2.1 it is im2col and a matrix product, image by image.
  kBuiltIn,
  // Through the gradient of the ordinary convolution, which oneDNN computes (see ops.h).
  kThroughConvolution,
};

// A value, passed to whatever computes. Both transposed convolutions compute the same function.
struct Engine {
  at::Device device = at::Device(at::kCPU);
  TransposedConvolution transposed_convolution = TransposedConvolution::kBuiltIn;
};

// The faster choices for `device` ("cpu", "cuda:0") with the LibTorch in use. INVALID_ARGUMENT when it is no device,
// FAILED_PRECONDITION when it is one this LibTorch or machine does not have.
absl::StatusOr<Engine> EngineFor(const std::string& device);

// Threads that this process computes with on the CPU, at least 1.
void SetThreads(int threads);

// "LibTorch 1.13.1, BLAS: OpenBLAS 0.3.21 ..." for people.
std::string EngineDescription();

// Empty, or why the BLAS in this process makes training slow or unsafe, as far as that can be found out.
std::string BlasProblem();

// A CPU generator. All random tensors are drawn on the CPU and copied, so that a seed means the same on every device.
at::Generator MakeGenerator(uint64_t seed);

}  // namespace skew::train

#endif  // SKEW_SERVER_TRAIN_ENGINE_ENGINE_H_
