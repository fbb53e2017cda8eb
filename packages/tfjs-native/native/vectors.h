// Vectors as wide as the instruction set that a file is compiled for, and small products of matrices made of them. Vectors are the compiler's own (GCC's and
// Clang's extension). For kernels.cc alone: all of it has internal linkage, once per instruction set.
#pragma once
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#if defined(__AVX512F__)
#include <immintrin.h>
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

}  // namespace
}  // namespace moe_rl
