// The operations of one image: out of planes of bytes, convolved, and through a dense layer. For operations.cc alone.
#pragma once
#include <algorithm>
#include <vector>

#include "call.h"
#include "threads.h"

namespace moe_rl {
namespace {

/** Attributes of MoeRlImages, MoeRlConvolution and MoeRlDense; each has some of them. */
struct Attributes {
  int64_t first = 0, count = 0, stride = 1;
  unsigned char same = 0, relu = 0;
};

void images(void* state, TF_OpKernelContext* context) {
  const Attributes& attributes = *static_cast<const Attributes*>(state);
  Call call(context);
  TF_Tensor* frames = call.input(0);
  if (!call.isGood()) return;
  const int64_t first = attributes.first, count = attributes.count;
  if (TF_NumDims(frames) != 4 || first < 0 || count < 1 || first + count > TF_Dim(frames, 1)) {
    call.refuse("images: expected frames of four dimensions, and planes that they have");
  }
  if (!call.isGood()) return;
  const int64_t B = TF_Dim(frames, 0), all = TF_Dim(frames, 1), H = TF_Dim(frames, 2), W = TF_Dim(frames, 3);
  float* pixels = call.output(0, {B, H, W, count});
  if (!call.isGood()) return;
  const uint8_t* planes = static_cast<const uint8_t*>(TF_TensorData(frames));
  const auto convert = [=](std::ptrdiff_t image) {
    const uint8_t* from = planes + (image * all + first) * H * W;
    float* to = pixels + image * H * W * count;
    for (int64_t row = 0; row < H; row++) kernels.interleave(from + row * W, H * W, count, W, to + row * W * count);
  };
  Threads::shared().each(B, convert);
}

/** Products of a convolution that is over before another thread is awake. */
constexpr int64_t ALONE = 1500000;

void convolution(void* state, TF_OpKernelContext* context) {
  const Attributes& attributes = *static_cast<const Attributes*>(state);
  Call call(context);
  TF_Tensor *x = call.input(0), *filter = call.input(1), *offset = call.input(2);
  if (!call.isGood()) return;
  const int64_t stride = attributes.stride;
  if (TF_NumDims(x) != 4 || TF_NumDims(filter) != 4 || TF_Dim(x, 3) != TF_Dim(filter, 2) ||
      TF_TensorElementCount(offset) != TF_Dim(filter, 3) || stride < 1) {
    call.refuse("convolution: expected images and a kernel of as many channels, a number for each filter, and a stride of at least 1");
  }
  if (!call.isGood()) return;
  const int64_t B = TF_Dim(x, 0), H = TF_Dim(x, 1), W = TF_Dim(x, 2), C = TF_Dim(x, 3);
  const int64_t R = TF_Dim(filter, 0), S = TF_Dim(filter, 1), O = TF_Dim(filter, 3);
  const auto sizeOf = [&](int64_t size, int64_t window) {
    return attributes.same ? (size + stride - 1) / stride : std::max<int64_t>(0, (size - window + stride) / stride);
  };
  const int64_t rows = sizeOf(H, R), columns = sizeOf(W, S);
  // SAME puts the smaller half of the zeros before.
  const auto before = [&](int64_t size, int64_t window, int64_t outputs) {
    return attributes.same ? std::max<int64_t>(0, (outputs - 1) * stride + window - size) / 2 : 0;
  };
  const ConvolutionSizes sizes{H, W, C, R, S, O, stride, before(H, R, rows), before(W, S, columns), rows, columns};
  float* output = call.output(0, {B, rows, columns, O});
  if (!call.isGood() || B * rows * columns * O == 0) return;
  const float *image = data(x), *kernel = data(filter), *bias = data(offset);
  const bool relu = attributes.relu;
  const int64_t band = (rows + 11) / 12, bands = (rows + band - 1) / band;
  const auto run = [=](std::ptrdiff_t unit) {
    const int64_t of = unit / bands, from = unit % bands * band;
    kernels.convolve(sizes, from, std::min(from + band, rows), image + of * H * W * C, kernel, bias, relu,
                     output + of * rows * columns * O);
  };
  if (B * rows * columns * O * R * S * C < ALONE) {
    for (std::ptrdiff_t unit = 0; unit < B * bands; unit++) run(unit);
  } else {
    Threads::shared().each(B * bands, run, true);
  }
}

void dense(void* state, TF_OpKernelContext* context) {
  const Attributes& attributes = *static_cast<const Attributes*>(state);
  Call call(context);
  TF_Tensor *x = call.input(0), *weights = call.input(1), *offset = call.input(2);
  if (!call.isGood()) return;
  if (TF_NumDims(x) != 2 || TF_NumDims(weights) != 2 || TF_Dim(x, 1) != TF_Dim(weights, 0) ||
      TF_TensorElementCount(offset) != TF_Dim(weights, 1)) {
    call.refuse("dense: expected rows as long as the kernel has rows, and a number for each of its columns");
  }
  if (!call.isGood()) return;
  const int64_t B = TF_Dim(x, 0), N = TF_Dim(x, 1), O = TF_Dim(weights, 1);
  float* output = call.output(0, {B, O});
  if (!call.isGood()) return;
  // Parts by the sizes alone, so that sums don't depend on the number of threads.
  const int64_t parts = std::max<int64_t>(1, std::min<int64_t>(16, N * O / 65536));
  std::vector<float> sums(B * parts * O);
  const float *row = data(x), *kernel = data(weights), *bias = data(offset);
  float* sum = sums.data();
  const auto run = [=](std::ptrdiff_t unit) {
    const int64_t part = unit % parts;
    kernels.denseRow(O, N * part / parts, N * (part + 1) / parts, row + unit / parts * N, kernel, sum + unit * O);
  };
  Threads::shared().each(B * parts, run, true);
  for (int64_t b = 0; b < B; b++) {
    for (int64_t at = 0; at < O; at++) {
      float all = bias[at];
      for (int64_t part = 0; part < parts; part++) all += sum[(b * parts + part) * O + at];
      // NaN stays NaN
      output[b * O + at] = attributes.relu && all < 0 ? 0 : all;
    }
  }
}

enum class Reads { planes, window, relu };

template <Reads READS>
void* createWithAttributes(TF_OpKernelConstruction* construction) {
  Attributes* attributes = new Attributes();
  TF_Status* status = TF_NewStatus();
  const auto integer = [&](const char* name, int64_t* value) {
    if (TF_GetCode(status) == TF_OK) TF_OpKernelConstruction_GetAttrInt64(construction, name, value, status);
  };
  const auto flag = [&](const char* name, unsigned char* value) {
    if (TF_GetCode(status) == TF_OK) TF_OpKernelConstruction_GetAttrBool(construction, name, value, status);
  };
  if (READS == Reads::planes) {
    integer("first", &attributes->first);
    integer("count", &attributes->count);
  } else {
    flag("relu", &attributes->relu);
    if (READS == Reads::window) {
      integer("stride", &attributes->stride);
      flag("same", &attributes->same);
    }
  }
  if (TF_GetCode(status) != TF_OK) TF_OpKernelConstruction_Failure(construction, status);
  TF_DeleteStatus(status);
  return attributes;
}

void destroyAttributes(void* state) { delete static_cast<Attributes*>(state); }

bool addImages() {
  return add({"MoeRlImages",
              {"frames: uint8"},
              {"images: float"},
              {"first: int", "count: int"},
              &createWithAttributes<Reads::planes>, &guarded<images>, &destroyAttributes}) &&
         add({"MoeRlConvolution",
              {"images: float", "kernel: float", "bias: float"},
              {"output: float"},
              {"stride: int", "same: bool", "relu: bool"},
              &createWithAttributes<Reads::window>, &guarded<convolution>, &destroyAttributes}) &&
         add({"MoeRlDense",
              {"x: float", "kernel: float", "bias: float"},
              {"output: float"},
              {"relu: bool"},
              &createWithAttributes<Reads::relu>, &guarded<dense>, &destroyAttributes});
}

}  // namespace
}  // namespace moe_rl
