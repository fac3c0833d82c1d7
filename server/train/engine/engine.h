// Where tensors live and which implementation computes what LibTorch has more than one of.
#ifndef SKEW_SERVER_TRAIN_ENGINE_ENGINE_H_
#define SKEW_SERVER_TRAIN_ENGINE_ENGINE_H_

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "server/train/torch.h"

namespace skew::train {

// Who computes convolutions and batch normalisation. All compute the same functions.
enum class Convolutions {
  // LibTorch's own operators. Its transposed convolution on a CPU, before LibTorch 2.1, is im2col and a matrix product,
  // image by image.
  kBuiltIn,
  // LibTorch's ordinary convolution, for the transposed ones as well (see ops.h).
  kThroughConvolution,
  // Our own kernels (see direct_convolution.h).
  kDirect,
};

// A value, passed to whatever computes.
struct Engine {
  at::Device device = at::Device(at::kCPU);
  Convolutions convolutions = Convolutions::kBuiltIn;
  // What convolutions and matrix products multiply, and activations are kept in: at::kFloat or at::kBFloat16.
  at::ScalarType precision = at::kFloat;
};

// The faster choices for `device` ("cpu", "cuda:0") with the LibTorch in use. INVALID_ARGUMENT when it is no device,
// FAILED_PRECONDITION when it is one this LibTorch or machine does not have.
absl::StatusOr<Engine> EngineFor(const std::string& device);

// Whether the engine's device multiplies bfloat16 numbers faster than float32 ones: a GPU by what it says it is, a CPU
// as measured (see common/processor.h).
bool PrefersBFloat16(const Engine& engine);

// Makes this process fit for training; to be called once, before anything is computed: freed memory stays with the
// process instead of being asked for again, page by page, in every update, and numbers too small to be normal become 0.
void PrepareProcess();

// Threads that this process computes with on the CPU, at least 1.
void SetThreads(int threads);

// "LibTorch 1.13.1, BLAS: OpenBLAS 0.3.21 ..." for people.
std::string EngineDescription();

// Empty, or why the BLAS in this process makes training slow or unsafe, as far as that can be found out.
std::string BlasProblem();

// A tensor of the CPU on `device`. To a GPU it goes through pinned memory, so that nobody waits for it.
at::Tensor Upload(const at::Tensor& tensor, at::Device device);

// A CPU generator. All random tensors are drawn on the CPU and copied, so that a seed means the same on every device.
at::Generator MakeGenerator(uint64_t seed);

}  // namespace skew::train

#endif  // SKEW_SERVER_TRAIN_ENGINE_ENGINE_H_
