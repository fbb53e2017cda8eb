// Two layers of an expert, `relu(x @ kernel + bias) @ outputKernel + outputBias`, and their gradients, over slots as they lie in the samples. A block of
// rows goes through both layers while it is in the cache. For kernels.cc alone.
#pragma once
#include "kernels.h"
#include "vectors.h"

namespace moe_rl {
namespace {

/** Rows that go through both layers at a time. */
constexpr Index EXPERT_ROWS = 64;

/** Where an expert's row lies in [B, E * P, D]. */
inline Index slotOf(const ExpertSizes& sizes, Index expert, Index row) {
  return (row / sizes.slots * sizes.experts + expert) * sizes.slots + row % sizes.slots;
}

/** The expert's rows `from` to `to` one after another, padded with zeros to whole vectors. */
void gather(const ExpertSizes& sizes, Index expert, Index from, Index to, const float* slots, float* rows) {
  const Index D = sizes.width, deep = padded(D);
  for (Index row = from; row < to; row++, rows += deep) {
    std::memcpy(rows, slots + slotOf(sizes, expert, row) * D, D * sizeof(float));
    std::memset(rows + D, 0, (deep - D) * sizeof(float));
  }
}

/** Rows back to where they lie, with `bias` added where there is one. */
void scatter(const ExpertSizes& sizes, Index expert, Index from, Index to, const float* rows, const float* bias,
             float* slots) {
  const Index D = sizes.width, deep = padded(D);
  for (Index row = from; row < to; row++, rows += deep) {
    float* slot = slots + slotOf(sizes, expert, row) * D;
    if (bias == nullptr) {
      std::memcpy(slot, rows, D * sizeof(float));
    } else {
      for (Index at = 0; at < D; at++) slot[at] = rows[at] + bias[at];
    }
  }
}

void expertForward(const ExpertSizes& sizes, Index expert, Index from, Index to, const float* slots, const float* kernel,
                   const float* bias, const float* outputKernel, const float* outputBias, float* hidden, float* output) {
  const Index D = sizes.width, H = sizes.hidden, deep = padded(D), wide = padded(H);
  float* x = scratch.take(2 * EXPERT_ROWS * deep + EXPERT_ROWS * wide + D * wide + H * deep);
  float* y = x + EXPERT_ROWS * deep;
  float* h = y + EXPERT_ROWS * deep;
  const float* first = widened(kernel + expert * D * H, D, H, h + EXPERT_ROWS * wide);
  const float* second = widened(outputKernel + expert * H * D, H, D, h + EXPERT_ROWS * wide + D * wide);
  const float* offset = bias + expert * H;
  hidden += expert * sizes.rows() * H;
  for (Index start = from; start < to; start += EXPERT_ROWS) {
    const Index end = std::min(start + EXPERT_ROWS, to), rows = end - start;
    gather(sizes, expert, start, end, slots, x);
    product<false>(rows, wide, D, {x, deep, 1}, first, wide, h, wide);
    for (Index row = 0; row < rows; row++) {
      float* sums = h + row * wide;
      float* kept = hidden + (start + row) * H;
      for (Index at = 0; at < H; at++) {
        const float sum = sums[at] + offset[at];
        // NaN stays NaN
        const float active = sum < 0 ? 0 : sum;
        sums[at] = active;
        kept[at] = active;
      }
    }
    product<false>(rows, deep, H, {h, wide, 1}, second, deep, y, deep);
    scatter(sizes, expert, start, end, y, outputBias + expert * D, output);
  }
}

/** sums [columns] += the rows of x. */
void addRows(const float* x, Index rows, Index stride, Index columns, float* sums) {
  for (Index row = 0; row < rows; row++) {
    for (Index at = 0; at < columns; at++) sums[at] += x[row * stride + at];
  }
}

/** Rows without their padding. */
void narrow(const float* x, Index rows, Index columns, float* to) {
  for (Index row = 0; row < rows; row++) std::memcpy(to + row * columns, x + row * padded(columns), columns * sizeof(float));
}

void expertBackward(const ExpertSizes& sizes, Index expert, Index from, Index to, const float* slots,
                    const float* kernel, const float* outputKernel, const float* hidden, const float* ofOutput,
                    float* ofSlots, const ExpertGradients& gradients) {
  const Index D = sizes.width, H = sizes.hidden, deep = padded(D), wide = padded(H);
  float* x = scratch.take(3 * EXPERT_ROWS * deep + EXPERT_ROWS * wide + 2 * D * wide + 2 * H * deep);
  float* dx = x + EXPERT_ROWS * deep;
  float* dy = dx + EXPERT_ROWS * deep;
  float* dh = dy + EXPERT_ROWS * deep;
  float* flippedFirst = dh + EXPERT_ROWS * wide;   // [H, D]
  float* flippedSecond = flippedFirst + H * deep;  // [D, H]
  float* ofKernel = flippedSecond + D * wide;      // [D, H]
  float* ofSecond = ofKernel + D * wide;           // [H, D]
  flip(kernel + expert * D * H, D, H, flippedFirst);
  flip(outputKernel + expert * H * D, H, D, flippedSecond);
  std::memset(ofKernel, 0, (D * wide + H * deep) * sizeof(float));
  std::memset(gradients.bias, 0, H * sizeof(float));
  std::memset(gradients.outputBias, 0, D * sizeof(float));
  hidden += expert * sizes.rows() * H;
  for (Index start = from; start < to; start += EXPERT_ROWS) {
    const Index end = std::min(start + EXPERT_ROWS, to), rows = end - start;
    const float* h = hidden + start * H;
    gather(sizes, expert, start, end, slots, x);
    gather(sizes, expert, start, end, ofOutput, dy);
    product<false>(rows, wide, D, {dy, deep, 1}, flippedSecond, wide, dh, wide);
    for (Index row = 0; row < rows; row++) {
      for (Index at = 0; at < H; at++) dh[row * wide + at] = h[row * H + at] > 0 ? dh[row * wide + at] : 0;
    }
    product<false>(rows, deep, H, {dh, wide, 1}, flippedFirst, deep, dx, deep);
    scatter(sizes, expert, start, end, dx, nullptr, ofSlots);
    product<true>(D, wide, rows, {x, 1, deep}, dh, wide, ofKernel, wide);
    product<true>(H, deep, rows, {h, 1, H}, dy, deep, ofSecond, deep);
    addRows(dh, rows, wide, H, gradients.bias);
    addRows(dy, rows, deep, D, gradients.outputBias);
  }
  narrow(ofKernel, D, H, gradients.kernel);
  narrow(ofSecond, H, D, gradients.outputKernel);
}

}  // namespace
}  // namespace moe_rl
