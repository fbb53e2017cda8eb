// A convolution of one image and a dense layer of one row, as acting needs them: too little work for kernels that lay everything out anew for each call. For kernels.cc alone.
#pragma once
#include "kernels.h"
#include "vectors.h"

namespace moe_rl {
namespace {

/** Places of the output that are computed at a time: as many sums of two vectors as fit into the registers. */
#if defined(__AVX512F__)
constexpr int PLACES = 12;
#elif defined(__AVX2__)
constexpr int PLACES = 6;
#else
constexpr int PLACES = 4;
#endif

/** What a tile is a part of: rows of the padded image, and one place after another in them. */
struct Window {
  /** Kernel rows, and numbers in a row of the window, which lie one after another in the image. */
  Index height, width;
  /** Numbers from one row of the image to the next. */
  Index row;
  /** Filters of a row of the kernel. */
  Index filters;
};

template <int VECTORS>
__attribute__((always_inline)) inline void convolveTile(const Window& window, const float* const* places,
                                                        const float* kernel, float* const* to) {
  Floats sums[PLACES][VECTORS];
  MOE_RL_UNROLL for (int i = 0; i < PLACES; i++) {
    MOE_RL_UNROLL for (int j = 0; j < VECTORS; j++) sums[i][j] = Floats{};
  }
  const float* from[PLACES];
  MOE_RL_UNROLL for (int i = 0; i < PLACES; i++) from[i] = places[i];
  for (Index y = 0; y < window.height; y++) {
    for (Index x = 0; x < window.width; x++) {
      Floats right[VECTORS];
      MOE_RL_UNROLL for (int j = 0; j < VECTORS; j++) right[j] = load(kernel + j * LANES);
      kernel += window.filters;
      MOE_RL_UNROLL for (int i = 0; i < PLACES; i++) {
        const Floats left = repeat(from[i][x]);
        MOE_RL_UNROLL for (int j = 0; j < VECTORS; j++) sums[i][j] += left * right[j];
      }
    }
    MOE_RL_UNROLL for (int i = 0; i < PLACES; i++) from[i] += window.row;
  }
  MOE_RL_UNROLL for (int i = 0; i < PLACES; i++) {
    MOE_RL_UNROLL for (int j = 0; j < VECTORS; j++) store(to[i] + j * LANES, sums[i][j]);
  }
}

/** All places, `VECTORS` vectors of filters. A last tile that is not full computes its last place several times. */
template <int VECTORS>
void convolvePlaces(const Window& window, const float* const* places, Index count, const float* kernel, float* output) {
  for (Index start = 0; start < count; start += PLACES) {
    const float* from[PLACES];
    float* to[PLACES];
    for (int i = 0; i < PLACES; i++) {
      const Index place = std::min(start + i, count - 1);
      from[i] = places[place];
      to[i] = output + place * window.filters;
    }
    convolveTile<VECTORS>(window, from, kernel, to);
  }
}

void convolve(const ConvolutionSizes& sizes, Index from, Index to, const float* image, const float* kernel,
              const float* bias, bool relu, float* output) {
  const auto& [height, width, channels, rows, columns, filters, stride, top, left, outputRows, outputColumns] = sizes;
  const Index wide = padded(filters), places = (to - from) * outputColumns, kernelSize = rows * columns * channels;
  const Index first = from * stride - top, bandRows = (to - from - 1) * stride + rows;
  const Index bandRow = ((outputColumns - 1) * stride + columns) * channels;
  float* band = scratch.take(padded(bandRows * bandRow) + padded(places * 2) + places * wide + kernelSize * wide);
  // Pointers need the room of two numbers each.
  const float** starts = reinterpret_cast<const float**>(band + padded(bandRows * bandRow));
  float* sums = band + padded(bandRows * bandRow) + padded(places * 2);
  const float* whole = widened(kernel, kernelSize, filters, sums + places * wide);
  // The rows of the image that are looked at, with zeros around it.
  const Index before = left * channels, inside = std::min(width * channels, bandRow - before);
  for (Index row = 0; row < bandRows; row++) {
    float* copy = band + row * bandRow;
    const Index y = first + row;
    if (y < 0 || y >= height) {
      std::memset(copy, 0, bandRow * sizeof(float));
      continue;
    }
    std::memset(copy, 0, before * sizeof(float));
    std::memcpy(copy + before, image + y * width * channels, inside * sizeof(float));
    std::memset(copy + before + inside, 0, (bandRow - before - inside) * sizeof(float));
  }
  for (Index place = 0; place < places; place++) {
    const Index row = place / outputColumns, column = place % outputColumns;
    starts[place] = band + row * stride * bandRow + column * stride * channels;
  }
  const Window window{rows, columns * channels, bandRow, wide};
  Index filter = 0;
  for (; filter + 2 * LANES <= wide; filter += 2 * LANES) {
    convolvePlaces<2>(window, starts, places, whole + filter, sums + filter);
  }
  if (filter < wide) convolvePlaces<1>(window, starts, places, whole + filter, sums + filter);
  output += from * outputColumns * filters;
  for (Index place = 0; place < places; place++) {
    for (Index at = 0; at < filters; at++) {
      const float sum = sums[place * wide + at] + bias[at];
      // NaN stays NaN
      output[place * filters + at] = relu && sum < 0 ? 0 : sum;
    }
  }
}

/** Rows of the kernel that are added at a time, and how many rows ahead memory is asked for. */
constexpr Index TOGETHER = 4, AHEAD = 8;

void denseRow(Index outputs, Index from, Index to, const float* x, const float* kernel, float* sums) {
  // Behind a relu half of the inputs and more are zero: their weights need not be read.
  int32_t* wanted = reinterpret_cast<int32_t*>(scratch.take(to - from + AHEAD + TOGETHER));
  Index count = 0;
  for (Index input = from; input < to; input++) {
    wanted[count] = static_cast<int32_t>(input);
    count += x[input] != 0;
  }
  std::memset(sums, 0, outputs * sizeof(float));
  if (count == 0) return;
  for (Index extra = 0; extra < AHEAD + TOGETHER; extra++) wanted[count + extra] = wanted[count - 1];
  const Index whole = outputs / LANES * LANES;
  Index at = 0;
  for (; at + TOGETHER <= count; at += TOGETHER) {
    const float *rows[TOGETHER], *later[TOGETHER];
    float factors[TOGETHER];
    for (Index i = 0; i < TOGETHER; i++) {
      rows[i] = kernel + wanted[at + i] * outputs;
      later[i] = kernel + wanted[at + AHEAD + i] * outputs;
      factors[i] = x[wanted[at + i]];
    }
    for (Index column = 0; column < whole; column += LANES) {
      Floats sum = load(sums + column);
      MOE_RL_UNROLL for (Index i = 0; i < TOGETHER; i++) {
        __builtin_prefetch(later[i] + column);
        sum += load(rows[i] + column) * factors[i];
      }
      store(sums + column, sum);
    }
    for (Index column = whole; column < outputs; column++) {
      for (Index i = 0; i < TOGETHER; i++) sums[column] += rows[i][column] * factors[i];
    }
  }
  for (; at < count; at++) {
    const float* row = kernel + wanted[at] * outputs;
    const float factor = x[wanted[at]];
    for (Index column = 0; column < outputs; column++) sums[column] += row[column] * factor;
  }
}

/** One row of an image out of the same row of its planes, `plane` bytes apart. */
void interleave(const uint8_t* planes, Index plane, Index count, Index width, float* pixels) {
  if (count == 4) {
    uint8_t bytes[1024];
    for (Index start = 0; start < width; start += 256) {
      const Index columns = std::min<Index>(256, width - start);
      const uint8_t* from = planes + start;
      for (Index column = 0; column < columns; column++) {
        const uint32_t four = from[column] | from[plane + column] << 8 | from[2 * plane + column] << 16 |
                              static_cast<uint32_t>(from[3 * plane + column]) << 24;
        std::memcpy(bytes + 4 * column, &four, 4);
      }
      for (Index at = 0; at < 4 * columns; at++) pixels[4 * start + at] = bytes[at];
    }
    return;
  }
  for (Index column = 0; column < width; column++) {
    for (Index channel = 0; channel < count; channel++) pixels[column * count + channel] = planes[channel * plane + column];
  }
}

}  // namespace
}  // namespace moe_rl
