// Convolutions without a column buffer: a window's filter row is a run of filterWidth * channels floats in NHWC memory, so the tiles of
// micro.ts read the (zero-padded) image itself. The input gradient is a convolution too, of the output gradient with turned filters, one
// for each phase of the stride. All strides are in bytes.

import { ACCUMULATE, microColumns, microRows, RELU } from './micro';

/** Copies images [first, last) of x [images, height, width, channels] into zero-framed images of `paddedHeight` x `paddedWidth`. */
export function padImages(
  x: usize, height: i32, width: i32, channels: i32, top: i32, left: i32, paddedHeight: i32, paddedWidth: i32, to: usize, first: i32, last: i32,
  _scratch: usize,
): void {
  const row = <usize>(width * channels) << 2, paddedRow = <usize>(paddedWidth * channels) << 2;
  const before = <usize>(left * channels) << 2, after = paddedRow - before - row;
  x += <usize>(first * height) * row;
  to += <usize>(first * paddedHeight) * paddedRow;
  for (let image = first; image < last; image++) {
    memory.fill(to, 0, <usize>top * paddedRow);
    to += <usize>top * paddedRow;
    for (let y = 0; y < height; y++) {
      memory.fill(to, 0, before);
      memory.copy(to + before, x, row);
      memory.fill(to + before + row, 0, after);
      to += paddedRow;
      x += row;
    }
    const bottom = <usize>(paddedHeight - top - height) * paddedRow;
    memory.fill(to, 0, bottom);
    to += bottom;
  }
}

/**
 * out[pixel, :] = bias + window(pixel) W, for pixels [firstPixel, lastPixel) counted over all images.
 * `panels`: W [filterHeight * run, channels] packed by `packPanels`; a window is `filterHeight` runs of `run` floats, `rowStride` apart.
 */
export function convolve(
  x: usize, imageStride: usize, rowStride: usize, stepY: usize, stepX: usize, filterHeight: i32, run: i32, panels: usize, bias: usize,
  out: usize, outImageStride: usize, outRowStride: usize, outPixelStride: usize, outHeight: i32, outWidth: i32, outChannels: i32,
  relu: bool, firstPixel: i32, lastPixel: i32, descriptor: usize,
): void {
  const perImage = outHeight * outWidth;
  let image = firstPixel / perImage;
  let row = (firstPixel - image * perImage) / outWidth;
  let column = firstPixel - image * perImage - row * outWidth;
  const panelBytes = <usize>(filterHeight * run) * 32;
  const flags = relu ? RELU : 0;
  for (let pixel = firstPixel; pixel < lastPixel; pixel += 6) {
    const count = min(6, lastPixel - pixel);
    for (let i = 0; i < count; i++) {
      store<u32>(
        descriptor + (<usize>i << 2),
        <u32>(x + <usize>image * imageStride + <usize>row * stepY + <usize>column * stepX),
      );
      store<u32>(
        descriptor + 24 + (<usize>i << 2),
        <u32>(out + <usize>image * outImageStride + <usize>row * outRowStride + <usize>column * outPixelStride),
      );
      if (++column == outWidth) {
        column = 0;
        if (++row == outHeight) {
          row = 0;
          image++;
        }
      }
    }
    for (let i = count; i < 6; i++) store<u32>(descriptor + (<usize>i << 2), load<u32>(descriptor));
    let panel = panels;
    for (let channel = 0; channel < outChannels; channel += 8) {
      microRows(
        descriptor, panel, filterHeight, run, rowStride, bias ? bias + (<usize>channel << 2) : 0, count,
        min(8, outChannels - channel), flags,
      );
      panel += panelBytes;
      for (let i = 0; i < count; i++) {
        const at = descriptor + 24 + (<usize>i << 2);
        store<u32>(at, load<u32>(at) + 32);
      }
    }
  }
}

/**
 * filter[filterRow, element, channel] = sum over pixels of window(pixel)[filterRow, element] * dy[pixel, channel], for tiles of 6 elements
 * [firstTile, lastTile), counted over filter rows. `run` >= 6. dy's channels are padded to a multiple of 8 (`dyChannels`).
 */
export function filterGradient(
  x: usize, imageStride: usize, rowStride: usize, stepY: usize, stepX: usize, run: i32, dy: usize, dyChannels: i32, filter: usize,
  images: i32, outHeight: i32, outWidth: i32, outChannels: i32, firstTile: i32, lastTile: i32, scratch: usize,
): void {
  const dyRow = <usize>(outWidth * dyChannels) << 2, filterStride = <usize>outChannels << 2;
  const tilesPerRow = (run + 5) / 6;
  // As many output rows at a time as keep the image's and dy's rows (about) in the first-level cache.
  const rowBytes = <i32>stepY + <i32>dyRow;
  const rowsAtOnce = max(1, min(outHeight, 24576 / rowBytes));
  let flags = 0;
  for (let image = 0; image < images; image++) {
    for (let y = 0; y < outHeight; y += rowsAtOnce) {
      const rows = min(rowsAtOnce, outHeight - y);
      const dyAt = dy + <usize>(image * outHeight + y) * dyRow;
      const xAt = x + <usize>image * imageStride + <usize>y * stepY;
      for (let tile = firstTile; tile < lastTile; tile++) {
        const filterRow = tile / tilesPerRow, element = (tile - filterRow * tilesPerRow) * 6;
        const start = min(element, run - 6);
        const a = xAt + <usize>filterRow * rowStride + (<usize>start << 2);
        const to = filter + <usize>(filterRow * run + start) * filterStride;
        for (let channel = 0; channel < outChannels; channel += 8) {
          const at = <usize>channel << 2;
          microColumns(
            a, stepX, stepY, dyAt + at, <usize>dyChannels << 2, dyRow, rows, outWidth, to + at, filterStride, element - start,
            min(8, outChannels - channel), flags, scratch,
          );
        }
      }
      flags = ACCUMULATE;
    }
  }
}

/**
 * The filters of one phase of the input gradient, turned by 180 degrees, with input and output channels swapped:
 * to[ky', kx', cOut, cIn] = filter[ky0 + stride * (count - 1 - ky'), ..., cIn, cOut].
 */
export function turnFilter(
  filter: usize, filterWidth: i32, inChannels: i32, outChannels: i32, firstY: i32, strideY: i32, countY: i32, firstX: i32, strideX: i32,
  countX: i32, to: usize,
): void {
  for (let y = 0; y < countY; y++) {
    const fromY = firstY + strideY * (countY - 1 - y);
    for (let x = 0; x < countX; x++) {
      const fromX = firstX + strideX * (countX - 1 - x);
      const from = filter + (<usize>((fromY * filterWidth + fromX) * inChannels * outChannels) << 2);
      for (let out = 0; out < outChannels; out++) {
        for (let channel = 0; channel < inChannels; channel++) {
          store<f32>(to, load<f32>(from + (<usize>(channel * outChannels + out) << 2)));
          to += 4;
        }
      }
    }
  }
}

/** Copies [rows, columns] into [rows, paddedColumns], zeros behind. */
export function padColumns(x: usize, rows: i32, columns: i32, paddedColumns: i32, to: usize): void {
  const bytes = <usize>columns << 2, padded = <usize>paddedColumns << 2;
  for (let row = 0; row < rows; row++) {
    memory.copy(to, x, bytes);
    memory.fill(to + bytes, 0, padded - bytes);
    x += bytes;
    to += padded;
  }
}

/** [rows, columns] -> [columns, rows]. */
export function transposeMatrix(x: usize, rows: i32, columns: i32, to: usize): void {
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      store<f32>(to + (<usize>(column * rows + row) << 2), load<f32>(x));
      x += 4;
    }
  }
}
