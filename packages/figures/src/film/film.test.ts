// Films: when they end, what their files hold.
import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import type { Environment } from '@moe-rl/core';
import { createRandomAgent, MoeRlError } from '@moe-rl/core';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { enlarge, grayToRgb, sideBySide } from './compose.ts';
import { encodeGif } from './gif.ts';
import { hasFfmpeg, writeMp4 } from './mp4.ts';
import { recordEpisode } from './record-episode.ts';
import type { RgbImage } from './rgb-image.ts';

/** A game of 2 by 1 pixels that lasts `length` agent steps and pays 1 each; its red channel counts them. */
function createClockGame(length: number): Environment & { readonly stepsPlayed: number } {
  let time = 0;
  let stepsPlayed = 0;
  // One buffer for all pictures, as an emulator's screen.
  const rgb = new Uint8Array(6);
  return {
    id: 'clock',
    observationSpec: { frameShape: [1, 1], stackSize: 2, dtype: 'uint8' },
    actionCount: 2,
    get stepsPlayed() {
      return stepsPlayed;
    },
    reset() {
      time = 0;
      return { observation: Uint8Array.of(0, 0), info: {} };
    },
    step() {
      time++;
      stepsPlayed++;
      rgb[0] = time;
      return {
        observation: Uint8Array.of(0, 2 * time),
        reward: 1,
        terminated: time === length,
        truncated: false,
        info: {},
      };
    },
    render: () => ({ width: 2, height: 1, rgb }),
    getState: () => ({}),
    setState() {},
  };
}

describe('recording', () => {
  const agent = createRandomAgent(2, 1);

  it('films an episode to its end', async () => {
    const environment = createClockGame(5);
    const film = await recordEpisode({ agent, environment, seed: 1 });
    expect(film).toMatchObject({ episodeReturn: 5, agentSteps: 5, isCut: false });
    expect(film.frames.map(({ rgb }) => rgb[0])).toEqual([1, 2, 3, 4, 5]);
    expect(await recordEpisode({ agent, environment, seed: 1, maxAgentSteps: 5 })).toMatchObject({ isCut: false });
  });

  it('stops playing where the film is cut', async () => {
    const environment = createClockGame(1_000_000);
    const film = await recordEpisode({ agent, environment, seed: 1, maxAgentSteps: 3 });
    expect(film).toMatchObject({ episodeReturn: 3, agentSteps: 3, isCut: true });
    expect(film.frames).toHaveLength(3);
    expect(environment.stepsPlayed).toBe(3);
    expect((await recordEpisode({ agent, environment, seed: 1 })).agentSteps).toBe(5400);
  });

  it('shows the newest frame of the observation beside the game', async () => {
    const film = await recordEpisode({ agent, environment: createClockGame(2), seed: 1, showAgentView: true });
    expect(film.frames.map(({ width, rgb }) => [width, rgb.at(-1)])).toEqual([
      [7, 2],
      [7, 4],
    ]);
  });

  it('refuses a limit out of range, and a game without pictures', async () => {
    const environment = createClockGame(5);
    await expect(recordEpisode({ agent, environment, seed: 1, maxAgentSteps: 0 })).rejects.toThrow(
      /maxAgentSteps is 0; expected an integer from 1 to 27000/,
    );
    const { render: _, ...blind } = environment;
    await expect(recordEpisode({ agent, environment: blind, seed: 1 })).rejects.toThrow(/clock can't draw itself/);
  });
});

describe('GIF', () => {
  it('keeps colors exact and the length right', () => {
    const gif = Buffer.from(encodeGif(threeFrames(), 15));
    expect(gif.toString('latin1', 0, 6)).toBe('GIF89a');
    expect([gif.readUInt16LE(6), gif.readUInt16LE(8)]).toEqual([2, 1]);
    expect(gif.includes(Buffer.of(160, 1, 2))).toBe(true);
    // 3 frames at 15 per second: 7 + 6 + 7 hundredths.
    expect(delaysOf(gif)).toEqual([7, 6, 7]);
  });

  it('shows frames that are equal as one, for as long', () => {
    const [first, second] = threeFrames();
    const equal = { ...first!, rgb: first!.rgb.slice() };
    expect(delaysOf(encodeGif([first!, equal, equal, second!], 10))).toEqual([30, 10]);
  });

  it('shows equal frames for as long as they are, at any speed, and is no wider than its format can say', () => {
    const [first, second] = threeFrames();
    // 100 frames at 0.1 per second are 100,000 hundredths, of which 16 bits kept 34,464.
    const delays = delaysOf(encodeGif([...new Array<RgbImage>(100).fill(first!), second!], 0.1));
    expect(delays.reduce((sum, delay) => sum + delay, 0)).toBe(101_000);
    const wide = { width: 2000, height: 1, rgb: new Uint8Array(6000) };
    expect(() => encodeGif([wide], 1, 64)).toThrow(
      'the film is 128000 x 64 at scale 64; expected at most 65535 pixels',
    );
  });

  it('draws only what changes', () => {
    // Noise, which nothing can compress, and then the same with one other pixel.
    const rgb = Uint8Array.from({ length: 64 * 64 * 3 }, (_, index) => ((index * index * 31) >> 5) & 0xe0);
    const changed = rgb.slice();
    changed.fill(7, 300, 303);
    const sizeOf = (...frames: Uint8Array[]): number =>
      encodeGif(
        frames.map((pixels) => ({ width: 64, height: 64, rgb: pixels })),
        15,
      ).length;
    expect(sizeOf(rgb, changed) - sizeOf(rgb)).toBeLessThan(sizeOf(rgb) / 10);
  });

  it('is as large as asked', () => {
    const gif = Buffer.from(encodeGif(threeFrames(), 15, 3));
    expect([gif.readUInt16LE(6), gif.readUInt16LE(8)]).toEqual([6, 3]);
  });

  it('is refused when it is none, before anything is encoded', async () => {
    const frame = { width: 2, height: 1, rgb: new Uint8Array(6) };
    for (const [frames, framesPerSecond, scale, message] of [
      [[], 15, 1, 'frames is empty; expected at least one'],
      [[frame], 0, 1, 'framesPerSecond is 0; expected a finite number from 0.01'],
      [[frame], Number.NaN, 1, 'framesPerSecond is NaN'],
      [[frame], 15, 0.5, 'scale is 0.5; expected an integer from 1 to 64'],
      [[frame, { ...frame, width: 1 }], 15, 1, 'frame 1 is 1 x 1 with 6 bytes; expected 2 x 1 with 6'],
      [[{ ...frame, rgb: new Uint8Array(3) }], 15, 1, 'frame 0 is 2 x 1 with 3 bytes; expected 2 x 1 with 6'],
    ] as const) {
      expect(() => encodeGif(frames, framesPerSecond, scale)).toThrow(MoeRlError);
      expect(() => encodeGif(frames, framesPerSecond, scale)).toThrow(message);
      await expect(writeMp4('x.mp4', frames, framesPerSecond, scale)).rejects.toThrow(message);
    }
  });

  it('quantizes a video of more than 256 colors', () => {
    const rgb = Uint8Array.from({ length: 40 * 40 * 3 }, (_, index) => (index * 7919) % 256);
    expect(Buffer.from(encodeGif([{ width: 40, height: 40, rgb }], 10)).toString('latin1', 0, 6)).toBe('GIF89a');
  });

  it('is made of pictures enlarged and put side by side', () => {
    expect([...enlarge(Uint8Array.of(1, 2, 3, 4), 2, 2, 2)]).toEqual([1, 1, 2, 2, 1, 1, 2, 2, 3, 3, 4, 4, 3, 3, 4, 4]);
    const image = grayToRgb(Uint8Array.of(10, 21), 2, 1);
    expect([...image.rgb]).toEqual([10, 10, 10, 20, 20, 20]);
    const both = sideBySide(image, grayToRgb(Uint8Array.of(30, 40), 1, 2), 1);
    expect([both.width, both.height]).toEqual([4, 2]);
    expect(both.rgb[9]).toBe(30);
    expect(both.rgb[4 * 3 + 9]).toBe(40);
  });
});

describe('MP4', () => {
  let folder = '';
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'moe-rl-mp4-'));
  });
  afterEach(() => {
    vi.unstubAllEnvs();
    rmSync(folder, { recursive: true, force: true });
  });

  /** Puts a program named ffmpeg in front of the path: it keeps its arguments and input, then does `ending`. */
  const standIn = (ending: string): void => {
    const program = join(folder, 'ffmpeg');
    const keep = `for last; do :; done; echo "$*" > "${folder}/arguments"; cat > "\${last#file:}"`;
    writeFileSync(program, `#!/bin/sh\n[ "$1" = -version ] && exit 0\n${keep}\n${ending}\n`);
    chmodSync(program, 0o755);
    vi.stubEnv('PATH', `${folder}${delimiter}${process.env.PATH}`);
  };

  it('hands ffmpeg every frame, and the size', async () => {
    standIn('exit 0');
    const file = join(folder, 'a:film.mp4');
    await writeMp4(file, threeFrames(), 15, 3);
    expect([...readFileSync(file)]).toEqual(threeFrames().flatMap(({ rgb }) => [...rgb]));
    expect(readFileSync(join(folder, 'arguments'), 'utf8')).toMatch(/-pix_fmt rgb24 -s 2x1 -r 15 .*scale=iw\*3:ih\*3/);
  });

  it('keeps the film that was there when ffmpeg fails, and says why', async () => {
    standIn('echo "No space left on device" >&2; exit 1');
    const file = join(folder, 'film.mp4');
    writeFileSync(file, 'the film before');
    await expect(writeMp4(file, threeFrames(), 15)).rejects.toThrow(
      expect.objectContaining({
        code: 'STORAGE',
        message: expect.stringMatching(/film\.mp4.*No space left on device/),
      }),
    );
    expect(readFileSync(file, 'utf8')).toBe('the film before');
    expect(readdirSync(folder).sort()).toEqual(['arguments', 'ffmpeg', 'film.mp4']);
  });

  it('says what is missing without ffmpeg', async () => {
    vi.stubEnv('PATH', folder);
    const file = join(folder, 'film.mp4');
    await expect(writeMp4(file, threeFrames(), 15)).rejects.toThrow(/needs the ffmpeg program/);
    expect(existsSync(file)).toBe(false);
  });

  // Registered only where they can run: ffmpeg is no part of the set-up.
  if (hasFfmpeg()) {
    it('of a GIF holds the frames that went in', async () => {
      const frames = Array.from({ length: 20 }, (_, index) => {
        const rgb = Uint8Array.from({ length: 16 * 12 * 3 }, (_, at) => ((at * 7) % 5) * 40);
        rgb.fill(index * 12, 3 * index, 3 * index + 30);
        return { width: 16, height: 12, rgb };
      });
      const file = join(folder, 'film.gif');
      writeFileSync(file, encodeGif(frames, 10));
      const decode = ['-v', 'error', '-i', file, '-f', 'rawvideo', '-pix_fmt', 'rgb24', '-'];
      const { stdout } = spawnSync('ffmpeg', decode);
      expect(Buffer.compare(stdout, Buffer.concat(frames.map(({ rgb }) => rgb)))).toBe(0);
    });

    it('plays: H.264, even size, all frames', async () => {
      const file = join(folder, 'film.mp4');
      const frames = Array.from({ length: 30 }, (_, index) => ({
        width: 33,
        height: 21,
        rgb: new Uint8Array(33 * 21 * 3).fill(index * 8),
      }));
      await writeMp4(file, frames, 15, 3);
      const fields = 'stream=codec_name,width,height,pix_fmt,nb_frames,r_frame_rate';
      const probe = spawnSync('ffprobe', ['-v', 'error', '-show_entries', fields, '-of', 'json', file]);
      expect(JSON.parse(probe.stdout.toString()).streams).toEqual([
        {
          codec_name: 'h264',
          width: 100,
          height: 64,
          pix_fmt: 'yuv420p',
          r_frame_rate: '15/1',
          nb_frames: '30',
        },
      ]);
    });
  }
});

function delaysOf(bytes: Uint8Array): number[] {
  const gif = Buffer.from(bytes);
  const control = Buffer.of(0x21, 0xf9);
  const delays: number[] = [];
  for (let at = gif.indexOf(control); at >= 0; at = gif.indexOf(control, at + 1)) delays.push(gif.readUInt16LE(at + 4));
  return delays;
}

function threeFrames(): RgbImage[] {
  return [0, 1, 2].map((index) => ({ width: 2, height: 1, rgb: Uint8Array.of(index * 80, 1, 2, 200, 100, 50) }));
}
