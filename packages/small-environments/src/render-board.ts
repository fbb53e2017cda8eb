// Pictures of board games: each cell a square in the color of the topmost thing on it.

const CELL_PIXELS = 16;
const BACKGROUND = [24, 26, 32] as const;
/** One color per kind of thing, easy to tell apart; earlier planes are drawn over later ones. */
const COLORS = [
  [78, 205, 196],
  [255, 107, 107],
  [120, 124, 140],
  [255, 209, 102],
  [160, 231, 125],
  [255, 159, 67],
  [199, 125, 255],
  [84, 160, 255],
  [255, 138, 200],
  [240, 240, 240],
] as const;

/** Draws an observation of shape `[H, W]` or `[C, H, W]` as an RGB picture. */
export function renderBoard(
  observation: ArrayLike<number>,
  frameShape: readonly number[],
): { readonly width: number; readonly height: number; readonly rgb: Uint8Array } {
  const [rows, columns] = frameShape.slice(-2) as [number, number];
  const planes = frameShape.length === 3 ? frameShape[0]! : 1;
  const width = columns * CELL_PIXELS;
  const height = rows * CELL_PIXELS;
  const rgb = new Uint8Array(width * height * 3);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const cell = Math.floor(y / CELL_PIXELS) * columns + Math.floor(x / CELL_PIXELS);
      let color: readonly number[] = BACKGROUND;
      for (let plane = planes - 1; plane >= 0; plane--) {
        if (observation[plane * rows * columns + cell] !== 0) color = COLORS[plane % COLORS.length]!;
      }
      rgb.set(color, (y * width + x) * 3);
    }
  }
  return { width, height, rgb };
}
