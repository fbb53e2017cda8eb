// What a film has to be before it is encoded: encoders would write a file that no player shows.
import { InvalidArgumentError, requireFinite, requireInteger, ShapeError } from '@moe-rl/core';
import type { RgbImage } from './rgb-image.ts';

/**
 * Checks frames, speed and size of a film.
 * @returns the first frame
 * @throws InvalidArgumentError without a frame, or for a speed or scale out of range; ShapeError for a frame of another size than the first, or than its bytes
 */
export function requireFilm(frames: readonly RgbImage[], framesPerSecond: number, scale: number): RgbImage {
  const [first] = frames;
  if (first === undefined) throw new InvalidArgumentError('frames is empty; expected at least one');
  requireFinite('framesPerSecond', framesPerSecond, 0.01, 1000);
  requireInteger('scale', scale, 1, 64);
  const [width, height] = [requireInteger('width', first.width, 1), requireInteger('height', first.height, 1)];
  frames.forEach((frame, index) => {
    if (frame.width !== width || frame.height !== height || frame.rgb.length !== width * height * 3) {
      throw new ShapeError(
        `frame ${index} is ${frame.width} x ${frame.height} with ${frame.rgb.length} bytes; expected ${width} x ${height} with ${width * height * 3}`,
      );
    }
  });
  return first;
}
