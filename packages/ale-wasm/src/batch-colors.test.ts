// A batch draws gray until somebody looks at a console in colors: the colors are those of a batch that draws them from the start, and looking changes nothing.
import { describe, expect, it } from 'vitest';
import { AleBatch, type AleBatchConfig } from './ale-batch.ts';
import { EMBEDDED_GAME, EMBEDDED_GAME_ROM } from './embedded-game.ts';

const STEPS = 120;
const same = (a: Uint8Array, b: Uint8Array) => expect(Buffer.compare(a, b)).toBe(0);

describe('colors of a batch that draws gray', () => {
  it.each<[string, AleBatchConfig]>([
    ['as Dopamine', {}],
    ['as Gymnasium', { observationStyle: 'gymnasium', stopOnLossOfLife: true }],
    ['every frame', { frameSkip: 1, stackSize: 1 }],
  ])('%s', (_, config) => {
    const settings = { game: EMBEDDED_GAME, consoles: 2, maxEpisodeFrames: 200, ...config };
    const [lazy, eager] = [
      new AleBatch(EMBEDDED_GAME_ROM, settings),
      new AleBatch(EMBEDDED_GAME_ROM, { ...settings, drawColors: true }),
    ];
    for (let step = 0; step < STEPS; step++) {
      const actions = [[0, 3, 4][step % 3] as number, [0, 3, 4][(step >> 2) % 3] as number];
      lazy.step(actions);
      eager.step(actions);
      for (let i = 0; i < 2; i++) {
        same(lazy.observation(i), eager.observation(i));
        expect([lazy.rewards[i], lazy.lives[i]]).toEqual([eager.rewards[i], eager.lives[i]]);
        // Console 0 is looked at now and then from the 20th step on, console 1 late.
        if (i === 0 ? step >= 20 && step % 7 === 0 : step > 100) same(lazy.screenRgb(i), eager.screenRgb(i));
        if (lazy.gameOver[i] || lazy.truncated[i]) {
          lazy.reset(i);
          eager.reset(i);
          same(lazy.screenRgb(i), eager.screenRgb(i));
          same(lazy.observation(i), eager.observation(i));
        }
      }
    }
    const state = lazy.saveConsole(1);
    const other = new AleBatch(EMBEDDED_GAME_ROM, settings);
    other.restoreConsole(0, state);
    same(other.screenRgb(0), lazy.screenRgb(1));
  });
  it('after a restored state that nobody has looked at', () => {
    const [lazy, eager] = [false, true].map(
      (drawColors) => new AleBatch(EMBEDDED_GAME_ROM, { game: EMBEDDED_GAME, drawColors }),
    ) as [AleBatch, AleBatch];
    for (const batch of [lazy, eager]) for (let step = 0; step < 30; step++) batch.step([3]);
    const other = new AleBatch(EMBEDDED_GAME_ROM, { game: EMBEDDED_GAME });
    other.restoreConsole(0, lazy.saveConsole(0));
    same(other.screenRgb(0), eager.screenRgb(0));
    expect(lazy.screen(0)).not.toEqual(eager.screen(0));
  });
});
