// Whole episodes equal to Python's, picture for picture: Dopamine's preprocessing, Gymnasium's AtariPreprocessing and ale_py.AtariVectorEnv, as recorded in
// testdata/ale/prep.json. Needs the ROMs of the ale-py wheel; without them these tests are skipped, unless MOE_RL_REQUIRE_ROMS is 1.
import { readFileSync } from 'node:fs';
import { crc32 } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { type MakeAtariOptions, makeAtari } from './atari-environment.ts';
import { makeAtariVector } from './atari-vector-environment.ts';
import { fetchRoms, loadRom } from './node.ts';

interface Recording {
  readonly random_seed: number;
  readonly reset_seed: number;
  readonly repeat_action_probability: number;
  readonly noop_max: number;
  readonly lcg_seed: number;
  readonly initial_crc: number;
  /** Where an episode ended, the picture after the reset too. */
  readonly steps: readonly [crc: number, reward: number, over: number, afterReset?: number][];
}
interface VectorRecording {
  readonly lcg_seed: number;
  readonly reset_seed: number;
  readonly initial_crc: readonly number[];
  readonly steps: readonly [crcs: number[], rewards: number[], over: number[]][];
}

const { games } = JSON.parse(readFileSync(new URL('../../../testdata/ale/prep.json', import.meta.url), 'utf8')) as {
  games: Record<string, Record<string, unknown>>;
};
const hasRoms = await romsAreThere();

async function romsAreThere(): Promise<boolean> {
  try {
    await fetchRoms();
    return true;
  } catch (error) {
    if (process.env.MOE_RL_REQUIRE_ROMS === '1') throw error;
    return false;
  }
}

/** The recordings' generator of actions. */
function createLcg(seed: number): (bound: number) => number {
  let state = seed;
  return (bound) => {
    state = (Math.imul(1664525, state) + 1013904223) >>> 0;
    return (state >>> 16) % bound;
  };
}

const newest = (observation: Uint8Array): number => crc32(observation.subarray(observation.length - 84 * 84));

function play(game: string, recording: Recording, options: MakeAtariOptions, seed: number, resetsAgain: boolean): void {
  const environment = makeAtari({
    game,
    rom: loadRom(game).rom,
    repeatActionProbability: recording.repeat_action_probability,
    ...options,
  });
  let { observation } = environment.reset({ seed });
  if (resetsAgain) observation = environment.reset().observation;
  const lcg = createLcg(recording.lcg_seed);
  const got = [newest(observation as Uint8Array)];
  const wanted = [recording.initial_crc, ...recording.steps.flat()];
  for (const [, , wasOver] of recording.steps) {
    const step = environment.step(lcg(environment.actionCount));
    const over = step.terminated || step.truncated;
    got.push(newest(step.observation as Uint8Array), step.reward, over ? 1 : 0);
    if (over !== (wasOver !== 0)) break;
    if (over) got.push(newest(environment.reset().observation as Uint8Array));
  }
  expect(got).toEqual(wanted);
}

describe.runIf(hasRoms).each(Object.keys(games))('%s', (game) => {
  const recordings = games[game]!;

  it.each(['dopamine', 'dopamine_sticky'])('%s', (name) => {
    const recording = recordings[name] as Recording;
    play(game, recording, { maxEpisodeFrames: 0 }, recording.random_seed, true);
  });

  it.each(['gymnasium', 'gymnasium_sticky_noop30'])('%s', (name) => {
    const recording = recordings[name] as Recording;
    play(game, recording, { preprocessing: 'gymnasium', noopMax: recording.noop_max }, recording.reset_seed, false);
  });

  it('ale_vector_plain', () => {
    const recording = recordings.ale_vector_plain as Recording;
    const environment = makeAtariVector({
      game,
      rom: loadRom(game).rom,
      environmentCount: 1,
      preprocessing: 'ale-vector',
      repeatActionProbability: 0,
      stackSize: 1,
    });
    const lcg = createLcg(recording.lcg_seed);
    const got: unknown[] = [newest(environment.reset({ seed: 5 }))];
    for (let step = 0; step < recording.steps.length; step++) {
      const { observations, rewards, terminated } = environment.step([lcg(environment.actionCount)]);
      got.push([newest(observations as Uint8Array), rewards[0], terminated[0]]);
    }
    expect(got).toEqual([recording.initial_crc, ...recording.steps]);
  });

  it('ale_vector_default: two environments, no-ops, FIRE, clipped rewards, autoreset', () => {
    const recording = recordings.ale_vector_default as VectorRecording;
    const environment = makeAtariVector({
      game,
      rom: loadRom(game).rom,
      environmentCount: 2,
      preprocessing: 'ale-vector',
      repeatActionProbability: 0,
      noopMax: 30,
      fireReset: true,
      clipReward: true,
    });
    const lcg = createLcg(recording.lcg_seed);
    const size = 4 * 84 * 84;
    const crcs = (observations: Uint8Array): number[] =>
      [0, 1].map((index) => crc32(observations.subarray(index * size, (index + 1) * size)));
    const got: unknown[] = [crcs(environment.reset({ seed: recording.reset_seed }))];
    for (let step = 0; step < recording.steps.length; step++) {
      const action = lcg(environment.actionCount);
      const { observations, rewards, terminated } = environment.step([action, (action + 1) % environment.actionCount]);
      got.push([crcs(observations as Uint8Array), [...rewards], [...terminated]]);
    }
    expect(got).toEqual([recording.initial_crc, ...recording.steps]);
  });
});
