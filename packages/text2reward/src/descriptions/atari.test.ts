// Fields of Atari's RAM against the screen: the pixels of each thing are where its field says.
import { makeAtari } from '@moe-rl/ale-env';
import { fetchRoms, loadRom } from '@moe-rl/ale-env/node';
import { createRng } from '@moe-rl/core';
import { beforeAll, expect, it } from 'vitest';
import { createStateReader, valueLayout } from '../description/state-reader.ts';
import { findDescription } from './index.ts';

type Color = readonly [number, number, number];
type Box = { readonly left: number; readonly top: number; readonly bottom: number };

/** What a field says of pixels: color of the thing, rows and columns where it is looked for, most pixels that it has, and where its box is. */
const THINGS: readonly (readonly [
  game: string,
  field: string,
  color: Color,
  rows: readonly [number, number],
  most: number,
  place: (value: number, box: Box) => number,
])[] = [
  ['breakout', 'paddle.x', [200, 72, 72], [189, 193], 64, (value, { left }) => value - 47 - left],
  ['breakout', 'ball.x', [200, 72, 72], [93, 188], 8, (value, { left }) => value - 49 - left],
  ['breakout', 'ball.y', [200, 72, 72], [93, 188], 8, (value, { top }) => value + 9 - top],
  ['pong', 'ball.x', [236, 236, 236], [34, 194], 12, (value, { left }) => value - 49 - left],
  ['freeway', 'chicken.y', [252, 252, 84], [16, 195], 200, (value, { bottom }) => 200 - value - bottom],
  ['space_invaders', 'cannon.x', [50, 132, 50], [185, 195], 100, (value, { left }) => value - 1 - left],
  ['space_invaders', 'invaders.x', [134, 134, 29], [30, 150], 9999, (value, { left }) => value - 1 - left],
  ['boxing', 'player.y', [214, 214, 214], [36, 177], 999, (value, { top }) => value + 38 - top],
  ['seaquest', 'submarine.y', [187, 187, 53], [40, 165], 400, (value, { top }) => value + 33 - top],
  ['ms_pacman', 'player.y', [210, 164, 74], [2, 170], 200, (value, { top }) => value + 1 - top],
];

beforeAll(async () => {
  await fetchRoms();
});

it.each(THINGS)('%s: %s is where the screen shows it', (game, field, color, rows, most, place) => {
  const environment = makeAtari({ game, rom: loadRom(game).rom, maxPoolFrames: 1, repeatActionProbability: 0 });
  const description = findDescription(environment.id);
  const layout = valueLayout(description);
  const read = createStateReader(environment, description, layout);
  const slot = layout.slots.find((one) => one.field.generalName === field)!;
  const values = new Float64Array(layout.length);
  const rng = createRng(1);
  environment.reset({ seed: 3 });
  const distances: number[] = [];
  const seen = new Set<number>();
  for (let step = 0, action = 0; step < 120; step++) {
    if (step % 6 === 0) action = rng.nextInteger(environment.actionCount);
    if (environment.step(action).terminated) environment.reset();
    const box = step < 40 ? undefined : boxOf(environment.render().rgb, color, rows, most);
    if (box === undefined) continue;
    read(values);
    seen.add(values[slot.offset]!);
    distances.push(Math.abs(place(values[slot.offset]!, box)));
  }
  expect(distances.length).toBeGreaterThan(20);
  expect(seen.size).toBeGreaterThan(3);
  // Things are now and then half hidden, or drawn a frame late.
  expect(distances.filter((distance) => distance <= 4).length / distances.length).toBeGreaterThan(0.8);
});

function boxOf(
  rgb: Uint8Array,
  [red, green, blue]: Color,
  [top, end]: readonly [number, number],
  most: number,
): Box | undefined {
  const found: { x: number; y: number }[] = [];
  for (let y = top; y < end; y++) {
    for (let x = 8; x < 152; x++) {
      const place = 3 * (160 * y + x);
      // The left half of Freeway's screen is the player's.
      if (rgb[place] === red && rgb[place + 1] === green && rgb[place + 2] === blue && (red !== 252 || x < 80))
        found.push({ x, y });
    }
  }
  if (found.length === 0 || found.length > most) return undefined;
  const [xs, ys] = [found.map(({ x }) => x), found.map(({ y }) => y)];
  return { left: Math.min(...xs), top: Math.min(...ys), bottom: Math.max(...ys) };
}
