// Puts what the player sees and what the agent sees into one picture.
import type { RgbImage } from './rgb-image.ts';

/** Enlarges a picture of one byte per pixel by a whole factor. */
export function enlarge(pixels: Uint8Array, width: number, height: number, factor: number): Uint8Array {
  if (factor === 1) return pixels;
  const wide = width * factor;
  const enlarged = new Uint8Array(wide * height * factor);
  for (let y = 0; y < height; y++) {
    const row = y * factor * wide;
    for (let x = 0; x < width; x++) enlarged.fill(pixels[y * width + x]!, row + x * factor, row + (x + 1) * factor);
    for (let copy = 1; copy < factor; copy++) enlarged.copyWithin(row + copy * wide, row, row + wide);
  }
  return enlarged;
}

/** A gray picture as RGB, with 128 levels so that game and agent's view share one exact palette. */
export function grayToRgb(gray: Uint8Array, width: number, height: number): RgbImage {
  const rgb = new Uint8Array(width * height * 3);
  for (let index = 0; index < width * height; index++) rgb.fill(gray[index]! & 0xfe, index * 3, index * 3 + 3);
  return { width, height, rgb };
}

/** Two pictures side by side, the lower one centered, on black. */
export function sideBySide(left: RgbImage, right: RgbImage, gap = 4): RgbImage {
  const width = left.width + gap + right.width;
  const height = Math.max(left.height, right.height);
  const rgb = new Uint8Array(width * height * 3);
  const place = (image: RgbImage, x: number): void => {
    const top = Math.floor((height - image.height) / 2);
    for (let y = 0; y < image.height; y++) {
      rgb.set(image.rgb.subarray(y * image.width * 3, (y + 1) * image.width * 3), ((top + y) * width + x) * 3);
    }
  };
  place(left, 0);
  place(right, left.width + gap);
  return { width, height, rgb };
}
