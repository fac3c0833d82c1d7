// The inner loops of convolution and normalisation, in vector instructions.
//
// Everything here works on plain memory. "Lanes" are the 32-bit operands of the multiplications: one float, or two
// neighbouring bfloat16 numbers whose products are added to one float sum. Activations are rows of channels, one row a
// pixel, stored as float or bfloat16; sums, statistics and weights are float.
#ifndef SKEW_SERVER_TRAIN_ENGINE_KERNELS_H_
#define SKEW_SERVER_TRAIN_ENGINE_KERNELS_H_

#include <cstdint>

namespace skew::train {

// The product of 8 gathered rows with a panel of 32 columns.
struct RowsTile {
  static constexpr int64_t kRows = 8;
  static constexpr int64_t kColumns = 32;

  // [taps][kRows] pointers to `lanes` lanes each: row r is what taps' pointers r lead to, one after the other.
  const void* const* sources = nullptr;
  int64_t taps = 0;
  int64_t lanes = 0;
  // [taps * lanes][kColumns] lanes
  const void* panel = nullptr;
  // [kRows] pointers to the activations (or floats, see Kernels) that are written, 1 to kColumns each.
  void* const* results = nullptr;
  int64_t columns = kColumns;
};

// Sums of outer products: result[i][j] is, or grows by, the sum over groups g and pixels p of source(g, p)[i]
// panel(g, p)[j], where source(g, p) is at sources + g * group_stride + offsets[p] lanes and panel(g, p) is row
// g * pixels + p of the panel.
struct OuterTile {
  static constexpr int64_t kRows = 8;
  static constexpr int64_t kColumns = 32;

  const void* sources = nullptr;
  const int32_t* offsets = nullptr;
  int64_t group_stride = 0;
  int64_t groups = 0;
  int64_t pixels = 0;
  // [groups * pixels][kColumns] lanes
  const void* panel = nullptr;
  // Rows of 1 to kColumns floats, `stride` floats apart.
  float* result = nullptr;
  bool grow = false;
  int64_t stride = 0;
  int64_t columns = kColumns;
};

// [rows][channels] activations, and what normalisation does to each channel: y = activation(x * scale + shift), where
// activation(v) is v above 0 and slope * v below. `mean` is the channel's.
struct Normalisation {
  int64_t rows = 0;
  int64_t channels = 0;
  const float* scale = nullptr;
  const float* shift = nullptr;
  const float* mean = nullptr;
  float slope = 1;
};

// One table for each kind of activations.
struct Kernels {
  // Numbers a lane: images whose pixels share a lane in OuterTile, channels in RowsTile.
  int64_t per_lane = 1;

  void (*rows)(const RowsTile& tile) = nullptr;
  // The same with float results whatever the activations are.
  void (*rows_to_float)(const RowsTile& tile) = nullptr;
  void (*outer)(const OuterTile& tile) = nullptr;

  // Panels of RowsTile from float weights, `columns` (the rest becomes 0): of weights [depth][stride] with the columns
  // next to each other, and of weights [columns][stride] with the depth next to each other. `depth` is a multiple of
  // per_lane. `panel` has depth / per_lane rows.
  void (*pack_panel)(const float* weights, int64_t stride, int64_t depth, int64_t columns, void* panel) = nullptr;
  void (*pack_panel_transposed)(const float* weights, int64_t stride, int64_t depth, int64_t columns,
                                void* panel) = nullptr;
  // Lanes of OuterTile from the pixels of one image [pixels][channels], or of two that share the lanes (`second` may be
  // null for zeros): blocks of `width` channels, 8 or 32, as [pixels][width] lanes each, `block_stride` lanes apart.
  // What the last block lacks in channels becomes 0.
  void (*pack_pixels)(const void* first, const void* second, int64_t pixels, int64_t channels, int64_t width,
                      int64_t block_stride, void* lanes) = nullptr;
  void (*from_float)(const float* values, int64_t count, void* activations) = nullptr;

  // Per channel: sums of x, and of (x - mean)^2.
  void (*sums)(const Normalisation& n, const void* x, float* sums) = nullptr;
  void (*square_sums)(const Normalisation& n, const void* x, float* sums) = nullptr;
  void (*normalise)(const Normalisation& n, const void* x, void* y) = nullptr;
  // With g = dy activation'(x * scale + shift), per channel: sums of g, and of g (x - mean).
  void (*gradient_sums)(const Normalisation& n, const void* x, const void* dy, float* sums, float* products) = nullptr;
  // dx = scale g - offset - slope_by_x (x - mean), the last two per channel.
  void (*gradient)(const Normalisation& n, const void* x, const void* dy, const float* offset, const float* by_x,
                   void* dx) = nullptr;
};

// The numbers of one update of Adam that are the same for every element.
struct AdamCoefficients {
  float beta1 = 0;
  float beta2 = 0;
  // 1 - beta1 and 1 - beta2, not taken from the rounded betas: 1 - 0.999F is off by 5e-5.
  float rest1 = 1;
  float rest2 = 1;
  float epsilon = 0;
  // rate / (1 - beta1^t), 1 / sqrt(1 - beta2^t), 1 - rate * decay.
  float rate = 0;
  float scale = 0;
  float keep = 1;
};

// The update of `count` elements in one pass over memory: m = beta1 m + (1 - beta1) g, v = beta2 v + (1 - beta2) g^2,
// p = keep p - rate m / (sqrt(v) scale + epsilon).
using AdamKernel = void (*)(const AdamCoefficients& c, int64_t count, const float* gradients, float* parameters,
                            float* first, float* second);

// Null where the CPU lacks AVX-512.
AdamKernel VectorAdam();

// Null where the CPU lacks the instructions: AVX-512 (F, BW, VL, DQ), for bfloat16 AVX512_BF16 as well.
const Kernels* FloatKernels();
const Kernels* BFloat16Kernels();

}  // namespace skew::train

#endif  // SKEW_SERVER_TRAIN_ENGINE_KERNELS_H_
