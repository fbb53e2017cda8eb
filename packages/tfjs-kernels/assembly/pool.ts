// Gradients of pooling, NHWC, four channels at a time.

/**
 * The gradient of a window goes to its first largest element in row order, as in TensorFlow. `y` is the pooled output.
 * Rows of the input that lie in padding are skipped. dx is zeroed first.
 */
export function maxPoolGradient(
  x: usize, y: usize, dy: usize, dx: usize, height: i32, width: i32, channels: i32, outHeight: i32,
  outWidth: i32, strideY: i32, strideX: i32, dilationY: i32, dilationX: i32, filterHeight: i32, filterWidth: i32, top: i32, left: i32,
  firstImage: i32, lastImage: i32, _scratch: usize,
): void {
  const pixel = <usize>channels << 2, imageBytes = <usize>(height * width) * pixel, outImageBytes = <usize>(outHeight * outWidth) * pixel;
  const whole = pixel & ~15;
  for (let image = firstImage; image < lastImage; image++) {
    const xImage = x + <usize>image * imageBytes, dxImage = dx + <usize>image * imageBytes;
    let out = <usize>image * outImageBytes;
    memory.fill(dxImage, 0, imageBytes);
    for (let outRow = 0; outRow < outHeight; outRow++) {
      for (let outColumn = 0; outColumn < outWidth; outColumn++) {
        const rowStart = outRow * strideY - top, columnStart = outColumn * strideX - left;
        let channel: usize = 0;
        for (; channel < whole; channel += 16) {
          const largest = v128.load(y + out + channel), gradient = v128.load(dy + out + channel);
          let open = i32x4.splat(-1);
          for (let i = 0; i < filterHeight; i++) {
            const row = rowStart + i * dilationY;
            if (<u32>row >= <u32>height) continue;
            for (let j = 0; j < filterWidth; j++) {
              const column = columnStart + j * dilationX;
              if (<u32>column >= <u32>width) continue;
              const at = <usize>(row * width + column) * pixel + channel;
              const hit = v128.and(open, f32x4.eq(v128.load(xImage + at), largest));
              open = v128.andnot(open, hit);
              v128.store(dxImage + at, f32x4.add(v128.load(dxImage + at), v128.and(gradient, hit)));
            }
          }
        }
        for (; channel < pixel; channel += 4) {
          const largest = load<f32>(y + out + channel);
          let found = false;
          for (let i = 0; i < filterHeight && !found; i++) {
            const row = rowStart + i * dilationY;
            if (<u32>row >= <u32>height) continue;
            for (let j = 0; j < filterWidth && !found; j++) {
              const column = columnStart + j * dilationX;
              if (<u32>column >= <u32>width) continue;
              const at = <usize>(row * width + column) * pixel + channel;
              if (load<f32>(xImage + at) == largest) {
                store<f32>(dxImage + at, load<f32>(dxImage + at) + load<f32>(dy + out + channel));
                found = true;
              }
            }
          }
        }
        out += pixel;
      }
    }
  }
}

/** The gradient of a window is shared equally by its elements inside the image (padding is not counted, as in TensorFlow). dx is zeroed first. */
export function averagePoolGradient(
  dy: usize, dx: usize, height: i32, width: i32, channels: i32, outHeight: i32, outWidth: i32,
  strideY: i32, strideX: i32, filterHeight: i32, filterWidth: i32, top: i32, left: i32,
  firstImage: i32, lastImage: i32, _scratch: usize,
): void {
  const pixel = <usize>channels << 2, imageBytes = <usize>(height * width) * pixel, outImageBytes = <usize>(outHeight * outWidth) * pixel;
  const whole = pixel & ~15;
  for (let image = firstImage; image < lastImage; image++) {
    const dxImage = dx + <usize>image * imageBytes;
    let at = dy + <usize>image * outImageBytes;
    memory.fill(dxImage, 0, imageBytes);
    for (let outRow = 0; outRow < outHeight; outRow++) {
      const rowStart = max(0, outRow * strideY - top), rowEnd = min(height, outRow * strideY - top + filterHeight);
      for (let outColumn = 0; outColumn < outWidth; outColumn++) {
        const columnStart = max(0, outColumn * strideX - left), columnEnd = min(width, outColumn * strideX - left + filterWidth);
        const share: f32 = 1 / <f32>((rowEnd - rowStart) * (columnEnd - columnStart));
        for (let row = rowStart; row < rowEnd; row++) {
          for (let column = columnStart; column < columnEnd; column++) {
            const to = dxImage + <usize>(row * width + column) * pixel;
            let channel: usize = 0;
            for (; channel < whole; channel += 16) {
              const add = f32x4.mul(v128.load(at + channel), f32x4.splat(share));
              v128.store(to + channel, f32x4.add(v128.load(to + channel), add));
            }
            for (; channel < pixel; channel += 4) {
              store<f32>(to + channel, load<f32>(to + channel) + load<f32>(at + channel) * share);
            }
          }
        }
        at += pixel;
      }
    }
  }
}
