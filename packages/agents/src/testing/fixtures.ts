// What the tests share: a backend, a small stream of experience, tiny networks.
import { createRng, type Transition } from '@moe-rl/core';
import { loadBackend } from '@moe-rl/tfjs-native';
import type { AgentConfig } from '../config/agent-config.ts';
import { type DeepPartial, describeAgentConfig, mergeConfig } from '../config/validate.ts';

/** Loads TensorFlow where it is set up (recorded graphs), else tfjs' own backend. Never downloads. */
export async function loadTestBackend(): Promise<{ readonly canRecord: boolean }> {
  try {
    await loadBackend({ backend: 'tensorflow', install: false });
    return { canRecord: true };
  } catch {
    await loadBackend({ backend: 'cpu' });
    return { canRecord: false };
  }
}

/** Small images, two frames each. */
export const SMALL_SPEC = {
  observationSpec: { frameShape: [12, 12], stackSize: 2, dtype: 'uint8' },
  actionCount: 3,
} as const;

/** Lays over a configuration what applies there of changes that are meant for many: a baseline has no experts to shrink. */
export function fit(config: AgentConfig, ...changes: readonly DeepPartial<AgentConfig>[]): AgentConfig {
  return changes.reduce<AgentConfig>((fitted, change) => {
    const lay = (over: AgentConfig, isWanted: (path: string) => boolean): AgentConfig => {
      const known = new Set(describeAgentConfig(over).map(({ path }) => path));
      return mergeConfig(
        over,
        keep(change, '', (path) => known.has(path) && isWanted(path)),
      );
    };
    // Types first, because they decide what applies: a router's before the tokens', which only a mixture has.
    const isType = (path: string): boolean => /\.(type|sampling|method|epsilonSchedule)$/.test(path);
    return lay(lay(lay(fitted, isType), isType), () => true);
  }, config);
}

function keep(tree: object, path: string, isKept: (path: string) => boolean): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(tree).flatMap(([key, value]) => {
      const at = path === '' ? key : `${path}.${key}`;
      if (typeof value !== 'object' || value === null || Array.isArray(value)) return isKept(at) ? [[key, value]] : [];
      const kept = keep(value, at, isKept);
      return Object.keys(kept).length === 0 ? [] : [[key, kept]];
    }),
  );
}

/** A network of a few hundred weights, learning from step 8 on; for `fit`. */
export const TINY: DeepPartial<AgentConfig> = {
  network: {
    encoder: { widthScale: 1 / 16 },
    moe: { experts: 2, expertHiddenUnits: 4 },
    hiddenUnits: 8,
  },
  agent: {
    batchSize: 4,
    minReplayHistoryAgentSteps: 8,
    updatePeriodAgentSteps: 2,
    targetUpdatePeriodAgentSteps: 6,
    epsilonDecayPeriodAgentSteps: 50,
  },
  optimizer: { learningRate: 0.01 },
  replay: { capacity: 200 },
};

/** An endless stream of random transitions with some structure in the rewards. */
export function* randomTransitions(seed: number): Generator<Transition, never, void> {
  const rng = createRng(seed, 'test/transitions');
  const observation = (): Uint8Array => Uint8Array.from({ length: 2 * 144 }, () => rng.nextInteger(256));
  let current = observation();
  for (let step = 1; ; step++) {
    const next = observation();
    const action = rng.nextInteger(3);
    yield {
      observation: current,
      action,
      reward: (action === 1 ? 1 : 0) + 3 * (rng.nextFloat() - 0.5),
      terminated: step % 9 === 0,
      truncated: step % 23 === 0 && step % 9 !== 0,
      nextObservation: next,
    };
    current = next;
  }
}
