// Puts what the player sees and what the agent sees into one picture.
import type { RgbImage } from './gif.ts';

/** Enlarges by whole pixels. */
export function enlarge(image: RgbImage, scaleX: number, scaleY: number): RgbImage {
  if (scaleX === 1 && scaleY === 1) return { ...image, rgb: image.rgb.slice() };
  const width = image.width * scaleX;
  const height = image.height * scaleY;
  const rgb = new Uint8Array(width * height * 3);
  for (let y = 0; y < height; y++) {
    const row = Math.floor(y / scaleY) * image.width * 3;
    for (let x = 0; x < width; x++) {
      const from = row + Math.floor(x / scaleX) * 3;
      const to = (y * width + x) * 3;
      rgb[to] = image.rgb[from]!;
      rgb[to + 1] = image.rgb[from + 1]!;
      rgb[to + 2] = image.rgb[from + 2]!;
    }
  }
  return { width, height, rgb };
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
