// ALE's color averaging: each pixel becomes the palette color nearest to a blend of the last two frames, against games that draw on every other.
import type { Palette } from './palette.ts';

const BLEND_PERCENT = 77;

export class ColorAverager {
  /** By current and previous index. Odd ones are grays, of a PAL console that loses its color: ALE's table has black for them, and so has this. */
  private readonly table: Uint8Array;

  constructor(palette: Palette) {
    const { rgb } = palette;
    const nearest = new Map<number, number>();
    const find = (r: number, g: number, b: number) => {
      const key = (r << 16) | (g << 8) | b;
      let best = nearest.get(key);
      if (best === undefined) {
        let least = Number.POSITIVE_INFINITY;
        best = 0;
        for (let index = 0; index < 256; index += 2) {
          const distance =
            Math.abs((rgb[index * 3] as number) - r) +
            Math.abs((rgb[index * 3 + 1] as number) - g) +
            Math.abs((rgb[index * 3 + 2] as number) - b);
          if (distance < least) {
            least = distance;
            best = index;
          }
        }
        nearest.set(key, best);
      }
      return best;
    };
    const channel = (a: number, b: number, c: number) => {
      const [x, y] = [rgb[a * 3 + c] as number, rgb[b * 3 + c] as number];
      const low = Math.min(x, y);
      return (Math.floor(((Math.max(x, y) - low) * BLEND_PERCENT) / 100) + low) & 0xfc;
    };
    this.table = new Uint8Array(256 * 256);
    for (let a = 0; a < 256; a += 2)
      for (let b = 0; b < 256; b += 2)
        this.table[a * 256 + b] = find(channel(a, b, 0), channel(a, b, 1), channel(a, b, 2));
  }

  average(current: Uint8Array, previous: Uint8Array): Uint8Array {
    const out = new Uint8Array(current.length);
    for (let i = 0; i < out.length; i++)
      out[i] = this.table[(current[i] as number) * 256 + (previous[i] as number)] as number;
    return out;
  }
}
