// One picture of a film.

/** A picture, `[height, width, 3]` RGB. */
export interface RgbImage {
  readonly width: number;
  readonly height: number;
  readonly rgb: Uint8Array;
}
