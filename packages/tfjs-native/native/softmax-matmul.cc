// See softmax-matmul.h. Vectors are the compiler's own (GCC's and Clang's vector extension), as wide as the instruction set that this file is compiled for.
#include "softmax-matmul.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#if defined(__AVX512F__)
#include <immintrin.h>
#endif

#ifndef MOE_RL_VARIANT
#define MOE_RL_VARIANT kernelsBasic
#endif

namespace moe_rl {
namespace {

#if defined(__AVX512F__)
constexpr int LANES = 16;
constexpr int TILE_ROWS = 8;
#elif defined(__AVX2__)
constexpr int LANES = 8;
constexpr int TILE_ROWS = 6;
#else
constexpr int LANES = 4;
constexpr int TILE_ROWS = 4;
#endif
/** Rows of logits whose weights are held at a time. */
constexpr std::ptrdiff_t BLOCK_ROWS = 24;

typedef float Floats __attribute__((vector_size(LANES * 4), aligned(4), may_alias));
typedef int32_t Integers __attribute__((vector_size(LANES * 4), aligned(4), may_alias));

using Index = std::ptrdiff_t;

inline Floats load(const float* from) { return *reinterpret_cast<const Floats*>(from); }
inline void store(float* to, Floats x) { *reinterpret_cast<Floats*>(to) = x; }
inline Floats repeat(float x) { return x - Floats{}; }
/** `b` where it is larger; a NaN of `b` is passed over. */
inline Floats larger(Floats a, Floats b) { return b > a ? b : a; }

typedef float Half __attribute__((vector_size(LANES * 2), may_alias));
struct Halves {
  Half low, high;
};
inline Halves halves(Floats x) {
  Halves both;
  std::memcpy(&both, &x, sizeof x);
  return both;
}
inline float total(Floats x) {
  const Halves both = halves(x);
  const Half sums = both.low + both.high;
  float sum = 0;
  for (int lane = 0; lane < LANES / 2; lane++) sum += sums[lane];
  return sum;
}
inline float largestOf(Floats x) {
  const Halves both = halves(x);
  const Half most = both.high > both.low ? both.high : both.low;
  float maximum = most[0];
  for (int lane = 1; lane < LANES / 2; lane++) maximum = most[lane] > maximum ? most[lane] : maximum;
  return maximum;
}

/** The first `count` numbers, and `otherwise` for the rest of the vector. */
inline Floats loadStart(const float* from, std::ptrdiff_t count, float otherwise) {
#if defined(__AVX512F__)
  return _mm512_mask_loadu_ps(repeat(otherwise), static_cast<__mmask16>((1u << count) - 1), from);
#else
  Floats x = repeat(otherwise);
  for (std::ptrdiff_t lane = 0; lane < count; lane++) x[lane] = from[lane];
  return x;
#endif
}
inline void storeStart(float* to, std::ptrdiff_t count, Floats x) {
#if defined(__AVX512F__)
  _mm512_mask_storeu_ps(to, static_cast<__mmask16>((1u << count) - 1), x);
#else
  for (std::ptrdiff_t lane = 0; lane < count; lane++) to[lane] = x[lane];
#endif
}

inline Index padded(Index size) { return (size + LANES - 1) / LANES * LANES; }

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

/** Memory for one call, aligned and kept by the thread for the next. */
class Scratch {
 public:
  ~Scratch() { std::free(memory_); }
  float* take(Index size) {
    if (size > capacity_) {
      std::free(memory_);
      capacity_ = size + size / 2;
      memory_ = static_cast<float*>(std::aligned_alloc(64, (capacity_ * sizeof(float) + 63) / 64 * 64));
      if (memory_ == nullptr) std::abort();
    }
    return memory_;
  }

 private:
  float* memory_ = nullptr;
  Index capacity_ = 0;
};

thread_local Scratch scratch;

/** A of a product: element (i, k) is at data[i * row + k * column]. */
struct Left {
  const float* data;
  Index row;
  Index column;
};

#if defined(__clang__)
#define MOE_RL_UNROLL _Pragma("clang loop unroll(full)")
#else
#define MOE_RL_UNROLL _Pragma("GCC unroll 16")
#endif

template <int ROWS, int VECTORS, bool ADD>
__attribute__((always_inline)) inline void tile(Left a, const float* b, Index bRow, float* c, Index cRow, Index depth) {
  Floats sums[ROWS][VECTORS];
  MOE_RL_UNROLL for (int i = 0; i < ROWS; i++) {
    MOE_RL_UNROLL for (int j = 0; j < VECTORS; j++) sums[i][j] = ADD ? load(c + i * cRow + j * LANES) : Floats{};
  }
  for (Index k = 0; k < depth; k++) {
    Floats right[VECTORS];
    MOE_RL_UNROLL for (int j = 0; j < VECTORS; j++) right[j] = load(b + k * bRow + j * LANES);
    MOE_RL_UNROLL for (int i = 0; i < ROWS; i++) {
      const Floats left = repeat(a.data[i * a.row + k * a.column]);
      MOE_RL_UNROLL for (int j = 0; j < VECTORS; j++) sums[i][j] += left * right[j];
    }
  }
  MOE_RL_UNROLL for (int i = 0; i < ROWS; i++) {
    MOE_RL_UNROLL for (int j = 0; j < VECTORS; j++) store(c + i * cRow + j * LANES, sums[i][j]);
  }
}

template <int ROWS, int VECTORS, bool ADD>
void lastTile(Index rows, Left a, const float* b, Index bRow, float* c, Index cRow, Index depth) {
  if constexpr (ROWS > 0) {
    if (rows == ROWS) tile<ROWS, VECTORS, ADD>(a, b, bRow, c, cRow, depth);
    else lastTile<ROWS - 1, VECTORS, ADD>(rows, a, b, bRow, c, cRow, depth);
  }
}

template <int VECTORS, bool ADD>
void panel(Index rows, Left a, const float* b, Index bRow, float* c, Index cRow, Index depth) {
  for (; rows >= TILE_ROWS; rows -= TILE_ROWS) {
    tile<TILE_ROWS, VECTORS, ADD>(a, b, bRow, c, cRow, depth);
    a.data += TILE_ROWS * a.row;
    c += TILE_ROWS * cRow;
  }
  lastTile<TILE_ROWS - 1, VECTORS, ADD>(rows, a, b, bRow, c, cRow, depth);
}

/** c [rows, columns] = a @ b, or += with ADD. `columns` and the rows of b and c are whole vectors. */
template <bool ADD>
void product(Index rows, Index columns, Index depth, Left a, const float* b, Index bRow, float* c, Index cRow) {
  Index column = 0;
  for (; column + 2 * LANES <= columns; column += 2 * LANES) {
    panel<2, ADD>(rows, a, b + column, bRow, c + column, cRow, depth);
  }
  if (column < columns) panel<1, ADD>(rows, a, b + column, bRow, c + column, cRow, depth);
}

/** x [rows, columns] with rows of whole vectors, zeros at their ends: a copy in `room`, or x itself where it is so already. */
const float* widened(const float* x, Index rows, Index columns, float* room) {
  const Index wide = padded(columns);
  if (wide == columns) return x;
  for (Index row = 0; row < rows; row++) {
    std::memcpy(room + row * wide, x + row * columns, columns * sizeof(float));
    std::memset(room + row * wide + columns, 0, (wide - columns) * sizeof(float));
  }
  return room;
}

/** The transpose of x [rows, columns], its rows padded with zeros to whole vectors. */
void flip(const float* x, Index rows, Index columns, float* room) {
  const Index wide = padded(rows);
  for (Index column = 0; column < columns; column++) {
    for (Index row = 0; row < rows; row++) room[column * wide + row] = x[row * columns + column];
    for (Index row = rows; row < wide; row++) room[column * wide + row] = 0;
  }
}

/** Calls visit(at, vector) for all vectors of a row; what is missing of the last counts for nothing. */
template <typename Visit>
inline void eachVector(const float* row, Index size, const Visit& visit) {
  Index at = 0;
  for (; at + LANES <= size; at += LANES) visit(at, load(row + at));
  if (at < size) visit(at, loadStart(row + at, size - at, -INFINITY));
}

void forwardByRow(const Sizes& sizes, const float* logits, const float* values, float* result, float* largest,
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

void forwardByColumn(const Sizes& sizes, const float* logits, const float* values, float* result, float* largest,
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

void forward(const Sizes& sizes, const float* logits, const float* values, float* result, float* largest,
             float* scale) {
  (sizes.transposed ? forwardByColumn : forwardByRow)(sizes, logits, values, result, largest, scale);
}

/** d logits = weights * (d result . values - mean), where mean = d result . result; d values = weights' @ d result. */
template <bool BY_COLUMN>
void backwardBy(const Sizes& sizes, const float* logits, const float* values, const float* result, const float* largest,
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

void backward(const Sizes& sizes, const float* logits, const float* values, const float* result, const float* largest,
              const float* scale, const float* ofResult, float* ofLogits, float* ofValues) {
  (sizes.transposed ? backwardBy<true> : backwardBy<false>)(sizes, logits, values, result, largest, scale, ofResult,
                                                            ofLogits, ofValues);
}

}  // namespace

Kernels MOE_RL_VARIANT() { return {forward, backward}; }

}  // namespace moe_rl
