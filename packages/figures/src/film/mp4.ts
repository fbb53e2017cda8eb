// MP4 through the ffmpeg program, where there is one: frames go in as raw RGB on standard input.
import { spawn, spawnSync } from 'node:child_process';
import { renameSync } from 'node:fs';
import { MissingDependencyError, StorageError } from '@moe-rl/core';
import { removeQuietly, storageError } from '@moe-rl/core/node';
import { requireFilm } from './check-film.ts';
import type { RgbImage } from './rgb-image.ts';

/** True when an `ffmpeg` is on the path. */
export function hasFfmpeg(): boolean {
  return spawnSync('ffmpeg', ['-version'], { stdio: 'ignore' }).status === 0;
}

/**
 * Writes an H.264 MP4; a file that was there before stays until the new one is whole.
 * @param scale whole number of film pixels per pixel of a frame
 * @throws as `requireFilm`; MissingDependencyError without ffmpeg; StorageError when ffmpeg fails.
 */
export async function writeMp4(
  path: string,
  frames: readonly RgbImage[],
  framesPerSecond: number,
  scale = 1,
): Promise<void> {
  const first = requireFilm(frames, framesPerSecond, scale);
  if (!hasFfmpeg()) {
    throw new MissingDependencyError(
      'writing an MP4 needs the ffmpeg program on the path; without it, use --format gif',
    );
  }
  const input = [
    '-f',
    'rawvideo',
    '-pix_fmt',
    'rgb24',
    '-s',
    `${first.width}x${first.height}`,
    '-r',
    String(framesPerSecond),
    '-i',
    '-',
  ];
  const temporary = `${path}.tmp-${process.pid}`;
  // yuv420p needs even sizes, and is what every player can show.
  const output = [
    '-an',
    '-c:v',
    'libx264',
    '-pix_fmt',
    'yuv420p',
    '-vf',
    `scale=iw*${scale}:ih*${scale}:flags=neighbor,pad=ceil(iw/2)*2:ceil(ih/2)*2`,
    '-movflags',
    '+faststart',
    '-f',
    'mp4',
    // Without the prefix a name like `a:b.mp4` is taken for a protocol.
    `file:${temporary}`,
  ];
  const encoder = spawn('ffmpeg', ['-y', '-loglevel', 'error', ...input, ...output], {
    stdio: ['pipe', 'ignore', 'pipe'],
  });
  let complaint = '';
  encoder.stderr.on('data', (chunk: Buffer) => {
    complaint += chunk.toString();
  });
  // A write after ffmpeg gave up; its exit code tells the reason.
  encoder.stdin.on('error', () => {});
  const ended = new Promise<number | null>((resolve) => encoder.on('close', resolve));
  for (const { rgb } of frames) {
    if (!encoder.stdin.write(rgb))
      await Promise.race([new Promise((resolve) => encoder.stdin.once('drain', resolve)), ended]);
  }
  encoder.stdin.end();
  const code = await ended;
  try {
    if (code !== 0) throw new StorageError(`cannot write ${path}: ffmpeg ended with code ${code}: ${complaint.trim()}`);
    renameSync(temporary, path);
  } catch (cause) {
    removeQuietly(temporary);
    throw storageError('write', path, cause);
  }
}
