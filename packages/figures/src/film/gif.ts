// Animated GIFs of game screens. The Atari 2600 has 128 colors, so a video nearly always fits one exact palette of 255; only a video with more is
// quantized. The last color is transparent, for pixels that stay as they are: most of a screen does, which makes files several times smaller.
import { createRequire } from 'node:module';
import { InvalidArgumentError } from '@moe-rl/core';
import { requireFilm } from './check-film.ts';
import { enlarge } from './compose.ts';
import type { RgbImage } from './rgb-image.ts';

/** The parts of gifenc that we use; the package ships no types. */
interface Gifenc {
  GIFEncoder(): {
    writeFrame(
      indices: Uint8Array,
      width: number,
      height: number,
      options: {
        palette?: number[][];
        delay: number;
        transparent?: boolean;
        transparentIndex?: number;
        dispose?: number;
      },
    ): void;
    finish(): void;
    bytes(): Uint8Array;
  };
  quantize(rgba: Uint8Array, maxColors: number): number[][];
  applyPalette(rgba: Uint8Array, palette: number[][]): Uint8Array;
}

// Its CommonJS file, because bundlers and Node disagree on what its default export is.
const { GIFEncoder, applyPalette, quantize } = createRequire(import.meta.url)('gifenc') as Gifenc;

/** A palette has 256 colors; one is the transparent one. */
const MAX_COLORS = 255;

/** Viewers may treat a very long delay as a mistake; some seconds are fine. */
const MAX_EQUAL_FRAMES = 100;

/** Delays and sizes are numbers of 16 bits. */
const LARGEST = 65_535;

/** The frame stays under the next one. */
const KEEP = 1;

/**
 * Encodes frames of equal size. A frame that equals the one before is shown longer instead.
 * @param framesPerSecond GIF delays are hundredths of a second; the rounding is spread so that the video keeps its length.
 * @param scale whole number of GIF pixels per pixel of a frame
 * @throws as `requireFilm`; InvalidArgumentError for a film of more pixels in width or height than a GIF can say
 */
export function encodeGif(frames: readonly RgbImage[], framesPerSecond: number, scale = 1): Uint8Array {
  const { width, height } = requireFilm(frames, framesPerSecond, scale);
  if (Math.max(width, height) * scale > LARGEST) {
    throw new InvalidArgumentError(
      `the film is ${width * scale} x ${height * scale} at scale ${scale}; expected at most ${LARGEST} pixels, as a GIF can have`,
    );
  }
  const mostEqual = Math.max(1, Math.min(MAX_EQUAL_FRAMES, Math.floor((LARGEST * framesPerSecond) / 100)));
  const gif = GIFEncoder();
  const exact = exactPalette(frames);
  const palette = exact?.palette ?? quantize(sampleRgba(frames), MAX_COLORS);
  const transparentIndex = palette.length;
  let shownHundredths = 0;
  let shown: Uint8Array | undefined;
  for (let index = 0; index < frames.length; ) {
    const { rgb } = frames[index]!;
    let next = index + 1;
    while (next < frames.length && next - index < mostEqual && areEqual(frames[next]!.rgb, rgb)) next++;
    const until = Math.round((next * 100) / framesPerSecond);
    const indices = exact === undefined ? applyPalette(toRgba(rgb), palette) : indexFrame(rgb, exact.indexOf);
    const drawn = shown === undefined ? indices : changesOf(shown, indices, transparentIndex);
    gif.writeFrame(enlarge(drawn, width, height, scale), width * scale, height * scale, {
      ...(index === 0 ? { palette: [...palette, [0, 0, 0]] } : {}),
      delay: (until - shownHundredths) * 10,
      transparent: index > 0,
      transparentIndex,
      dispose: KEEP,
    });
    shown = indices;
    shownHundredths = until;
    index = next;
  }
  gif.finish();
  return gif.bytes();
}

function areEqual(left: Uint8Array, right: Uint8Array): boolean {
  return Buffer.compare(left, right) === 0;
}

/** What differs from the picture before; the rest is transparent. */
function changesOf(before: Uint8Array, indices: Uint8Array, transparentIndex: number): Uint8Array {
  return indices.map((color, pixel) => (color === before[pixel] ? transparentIndex : color));
}

/** All colors used, when they are 255 at most. */
function exactPalette(frames: readonly RgbImage[]): { palette: number[][]; indexOf: Map<number, number> } | undefined {
  const indexOf = new Map<number, number>();
  const palette: number[][] = [];
  for (const { rgb } of frames) {
    let previous = -1;
    for (let offset = 0; offset < rgb.length; offset += 3) {
      const color = (rgb[offset]! << 16) | (rgb[offset + 1]! << 8) | rgb[offset + 2]!;
      if (color === previous) continue;
      previous = color;
      if (!indexOf.has(color)) {
        if (palette.length === MAX_COLORS) return undefined;
        indexOf.set(color, palette.length);
        palette.push([rgb[offset]!, rgb[offset + 1]!, rgb[offset + 2]!]);
      }
    }
  }
  return { palette, indexOf };
}

function indexFrame(rgb: Uint8Array, indexOf: ReadonlyMap<number, number>): Uint8Array {
  const indices = new Uint8Array(rgb.length / 3);
  for (let pixel = 0, offset = 0; pixel < indices.length; pixel++, offset += 3) {
    indices[pixel] = indexOf.get((rgb[offset]! << 16) | (rgb[offset + 1]! << 8) | rgb[offset + 2]!)!;
  }
  return indices;
}

/** Every 16th frame or so is enough to find good colors. */
function sampleRgba(frames: readonly RgbImage[]): Uint8Array {
  const stride = Math.max(1, Math.floor(frames.length / 16));
  return Buffer.concat(frames.filter((_, index) => index % stride === 0).map(({ rgb }) => toRgba(rgb)));
}

function toRgba(rgb: Uint8Array): Uint8Array {
  const rgba = new Uint8Array((rgb.length / 3) * 4).fill(255);
  for (let from = 0, to = 0; from < rgb.length; from += 3, to += 4) {
    rgba[to] = rgb[from]!;
    rgba[to + 1] = rgb[from + 1]!;
    rgba[to + 2] = rgb[from + 2]!;
  }
  return rgba;
}
