// What the operations compute with: functions for a part of the work each. kernels.cc is compiled once per instruction set; operations.cc picks one of them
// when it is loaded.
#pragma once
#include <cstddef>
#include <cstdint>

namespace moe_rl {

/** One sample: N averages of M values of D numbers. All arrays are row-major and dense. */
struct AverageSizes {
  std::ptrdiff_t averages;
  std::ptrdiff_t values;
  std::ptrdiff_t width;
  /** Logits are [M, N] rather than [N, M]: the softmax runs over their rows. */
  bool transposed;
};

/**
 * @param result [N, D]
 * @param largest [N], the largest logit of each average
 * @param scale [N], 1 / sum(exp(logits - largest)): what the gradient makes the weights from
 */
using AverageForward = void (*)(const AverageSizes&, const float* logits, const float* values, float* result, float* largest,
                         float* scale);

/** @param ofResult gradient of the result [N, D] @param ofLogits as the logits @param ofValues [M, D] */
using AverageBackward = void (*)(const AverageSizes&, const float* logits, const float* values, const float* result,
                          const float* largest, const float* scale, const float* ofResult, float* ofLogits,
                          float* ofValues);

/**
 * Two layers of E experts over slots [B, E * P, D]: expert e's are slots e * P to e * P + P of each sample. All arrays are row-major and dense; kernels
 * are [E, D, H] and [E, H, D].
 */
struct ExpertSizes {
  std::ptrdiff_t samples;
  std::ptrdiff_t experts;
  std::ptrdiff_t slots;
  std::ptrdiff_t width;
  std::ptrdiff_t hidden;
  std::ptrdiff_t rows() const { return samples * slots; }
};

/** Rows `from` to `to` of one expert, of its B * P. @param hidden relu activations [E, B * P, H] @param output as slots */
using ExpertForward = void (*)(const ExpertSizes&, std::ptrdiff_t expert, std::ptrdiff_t from, std::ptrdiff_t to,
                               const float* slots, const float* kernel, const float* bias, const float* outputKernel,
                               const float* outputBias, float* hidden, float* output);

/** The gradients of one expert's parameters, by the rows that were looked at. */
struct ExpertGradients {
  float* kernel;
  float* bias;
  float* outputKernel;
  float* outputBias;
};

/** Writes the rows' part of `ofSlots`, and to `gradients` what these rows add to the expert's parameters. */
using ExpertBackward = void (*)(const ExpertSizes&, std::ptrdiff_t expert, std::ptrdiff_t from, std::ptrdiff_t to,
                                const float* slots, const float* kernel, const float* outputKernel, const float* hidden,
                                const float* ofOutput, float* ofSlots, const ExpertGradients& gradients);

/** A convolution of one image [height, width, channels] with a kernel [rows, columns, channels, filters]; `top` and `left` are the zeros before it. */
struct ConvolutionSizes {
  std::ptrdiff_t height, width, channels;
  std::ptrdiff_t rows, columns, filters;
  std::ptrdiff_t stride, top, left;
  std::ptrdiff_t outputRows, outputColumns;
};

/** Rows `from` to `to` of the output [output rows, output columns, filters], with bias [filters] and, if asked for, relu. */
using Convolve = void (*)(const ConvolutionSizes&, std::ptrdiff_t from, std::ptrdiff_t to, const float* image,
                          const float* kernel, const float* bias, bool relu, float* output);

/** sums [outputs] = x[from:to] @ kernel[from:to], of kernel [inputs, outputs]. Weights of inputs that are zero are not looked at. */
using DenseRow = void (*)(std::ptrdiff_t outputs, std::ptrdiff_t from, std::ptrdiff_t to, const float* x,
                          const float* kernel, float* sums);

/** A row of `width` pixels of `count` channels each, out of as many planes of bytes that lie `plane` bytes apart. */
using Interleave = void (*)(const uint8_t* planes, std::ptrdiff_t plane, std::ptrdiff_t count, std::ptrdiff_t width,
                            float* pixels);

struct Kernels {
  /** Numbers of a vector. */
  int lanes;
  AverageForward averageForward;
  AverageBackward averageBackward;
  ExpertForward expertForward;
  ExpertBackward expertBackward;
  Convolve convolve;
  DenseRow denseRow;
  Interleave interleave;
};

Kernels kernelsBasic();
Kernels kernelsAvx2();
Kernels kernelsAvx512();

}  // namespace moe_rl
