// Averages weighted by a softmax, `softmax(logits) @ values`, and their gradients, a sample at a time. The weights [N, M] are made a few rows at a time, used
// while they are in the cache, and never written down. For kernels.cc alone.
#pragma once
#include "kernels.h"
#include "vectors.h"

namespace moe_rl {
namespace {

/** Rows of logits whose weights are held at a time. */
constexpr std::ptrdiff_t BLOCK_ROWS = 24;

/** exp(x) for x <= 0, to about one unit in the last place; exactly 0 below -87.3, NaN for NaN. */
inline Floats exponential(Floats x) {
  const Floats rounder = repeat(12582912.0f);  // 1.5 * 2^23: adding it rounds to an integer, which stands in the low bits
  const Floats shifted = x * 1.44269504f + rounder;
  const Floats power = shifted - rounder;
  const Floats rest = (x - power * 0.693359375f) - power * -2.12194440e-4f;
  Floats sum = repeat(1.9875691500e-4f);
  sum = sum * rest + 1.3981999507e-3f;
  sum = sum * rest + 8.3334519073e-3f;
  sum = sum * rest + 4.1665795894e-2f;
  sum = sum * rest + 1.6666665459e-1f;
  sum = sum * rest + 5.0000001201e-1f;
  sum = sum * (rest * rest) + rest + 1.0f;
  const Integers exponent = (reinterpret_cast<Integers>(shifted) - reinterpret_cast<Integers>(rounder)) << 23;
  const Floats result = reinterpret_cast<Floats>(reinterpret_cast<Integers>(sum) + exponent);
  const Floats whole = x < -87.3f ? Floats{} : result;
  return x == x ? whole : x;
}

/** Calls visit(at, vector) for all vectors of a row; what is missing of the last counts for nothing. */
template <typename Visit>
inline void eachVector(const float* row, Index size, const Visit& visit) {
  Index at = 0;
  for (; at + LANES <= size; at += LANES) visit(at, load(row + at));
  if (at < size) visit(at, loadStart(row + at, size - at, -INFINITY));
}

void forwardByRow(const AverageSizes& sizes, const float* logits, const float* values, float* result, float* largest,
                  float* scale) {
  const auto [N, M, D, transposed] = sizes;
  const Index wide = padded(M), deep = padded(D);
  float* weights = scratch.take(BLOCK_ROWS * wide + M * deep + BLOCK_ROWS * deep);
  float* room = weights + BLOCK_ROWS * wide;
  float* averages = room + M * deep;
  const float* right = widened(values, M, D, room);
  for (Index start = 0; start < N; start += BLOCK_ROWS) {
    const Index rows = std::min(BLOCK_ROWS, N - start);
    for (Index row = 0; row < rows; row++) {
      float* w = weights + row * wide;
      const float* l = logits + (start + row) * M;
      Floats most = repeat(-INFINITY);
      eachVector(l, M, [&](Index, Floats x) { most = larger(most, x); });
      const float maximum = largestOf(most);
      Floats sum{};
      eachVector(l, M, [&](Index at, Floats x) {
        const Floats e = exponential(x - maximum);
        store(w + at, e);
        sum += e;
      });
      largest[start + row] = maximum;
      scale[start + row] = 1 / total(sum);
    }
    product<false>(rows, deep, M, {weights, wide, 1}, right, deep, averages, deep);
    for (Index row = 0; row < rows; row++) {
      const float factor = scale[start + row];
      for (Index at = 0; at < D; at++) result[(start + row) * D + at] = averages[row * deep + at] * factor;
    }
  }
}

void forwardByColumn(const AverageSizes& sizes, const float* logits, const float* values, float* result, float* largest,
                     float* scale) {
  const auto [N, M, D, transposed] = sizes;
  const Index wide = padded(N), deep = padded(D);
  float* most = scratch.take(2 * wide + BLOCK_ROWS * wide + M * deep + N * deep);
  float* sums = most + wide;
  float* weights = sums + wide;
  float* room = weights + BLOCK_ROWS * wide;
  float* averages = room + M * deep;
  const float* right = widened(values, M, D, room);
  std::fill(most, most + wide, -INFINITY);
  std::memset(sums, 0, wide * sizeof(float));
  for (Index m = 0; m < M; m++) {
    eachVector(logits + m * N, N, [&](Index at, Floats x) { store(most + at, larger(load(most + at), x)); });
  }
  std::memset(averages, 0, N * deep * sizeof(float));
  for (Index start = 0; start < M; start += BLOCK_ROWS) {
    const Index rows = std::min(BLOCK_ROWS, M - start);
    for (Index row = 0; row < rows; row++) {
      float* w = weights + row * wide;
      eachVector(logits + (start + row) * N, N, [&](Index at, Floats x) {
        const Floats e = exponential(x - load(most + at));
        store(w + at, e);
        store(sums + at, load(sums + at) + e);
      });
    }
    product<true>(N, deep, rows, {weights, 1, wide}, right + start * deep, deep, averages, deep);
  }
  for (Index n = 0; n < N; n++) {
    largest[n] = most[n];
    scale[n] = 1 / sums[n];
    for (Index at = 0; at < D; at++) result[n * D + at] = averages[n * deep + at] * scale[n];
  }
}

void averageForward(const AverageSizes& sizes, const float* logits, const float* values, float* result, float* largest,
             float* scale) {
  (sizes.transposed ? forwardByColumn : forwardByRow)(sizes, logits, values, result, largest, scale);
}

/** d logits = weights * (d result . values - mean), where mean = d result . result; d values = weights' @ d result. */
template <bool BY_COLUMN>
void backwardBy(const AverageSizes& sizes, const float* logits, const float* values, const float* result, const float* largest,
              const float* scale, const float* ofResult, float* ofLogits, float* ofValues) {
  const auto [N, M, D, transposed] = sizes;
  // rows and columns of the logits as they are in memory
  const Index R = BY_COLUMN ? M : N, C = BY_COLUMN ? N : M;
  const Index wide = padded(C), deep = padded(D);
  float* weights = scratch.take(2 * BLOCK_ROWS * wide + D * wide + N * deep + M * deep + 3 * padded(N));
  float* inner = weights + BLOCK_ROWS * wide;
  float* flipped = inner + BLOCK_ROWS * wide;
  float* room = flipped + D * wide;
  float* sums = room + N * deep;
  float* means = sums + M * deep;
  float* shift = means + padded(N);
  float* factors = shift + padded(N);
  std::memset(means, 0, 3 * padded(N) * sizeof(float));
  for (Index n = 0; n < N; n++) {
    float mean = 0;
    for (Index at = 0; at < D; at++) mean += ofResult[n * D + at] * result[n * D + at];
    means[n] = mean;
  }
  std::copy(largest, largest + N, shift);
  std::copy(scale, scale + N, factors);
  const float* right = widened(ofResult, N, D, room);
  flip(BY_COLUMN ? ofResult : values, C, D, flipped);
  const float* left = BY_COLUMN ? values : ofResult;
  if (!BY_COLUMN) std::memset(sums, 0, M * deep * sizeof(float));
  for (Index start = 0; start < R; start += BLOCK_ROWS) {
    const Index rows = std::min(BLOCK_ROWS, R - start);
    product<false>(rows, wide, D, {left + start * D, D, 1}, flipped, wide, inner, wide);
    for (Index row = 0; row < rows; row++) {
      float* w = weights + row * wide;
      const float* g = inner + row * wide;
      const Index n = start + row;
      float* to = ofLogits + n * C;
      eachVector(logits + n * C, C, [&](Index at, Floats x) {
        const Floats weight = BY_COLUMN ? exponential(x - load(shift + at)) * load(factors + at)
                                        : exponential(x - shift[n]) * factors[n];
        store(w + at, weight);
        const Floats gradient = weight * (load(g + at) - (BY_COLUMN ? load(means + at) : repeat(means[n])));
        if (at + LANES <= C) store(to + at, gradient);
        else storeStart(to + at, C - at, gradient);
      });
    }
    if (BY_COLUMN) {
      product<false>(rows, deep, C, {weights, wide, 1}, right, deep, sums + start * deep, deep);
    } else {
      product<true>(C, deep, rows, {weights, 1, wide}, right + start * deep, deep, sums, deep);
    }
  }
  for (Index m = 0; m < M; m++) std::memcpy(ofValues + m * D, sums + m * deep, D * sizeof(float));
}

void averageBackward(const AverageSizes& sizes, const float* logits, const float* values, const float* result, const float* largest,
              const float* scale, const float* ofResult, float* ofLogits, float* ofValues) {
  (sizes.transposed ? backwardBy<true> : backwardBy<false>)(sizes, logits, values, result, largest, scale, ofResult,
                                                            ofLogits, ofValues);
}

}  // namespace
}  // namespace moe_rl
