// LineK as ExploRS has it: a line without cells, several keys of which one opens the goal, so that learners need networks.
import { requireFinite, requireInteger, requireKnownOptions } from '@moe-rl/core';
import { environmentOf, type SmallEnvironment, type SmallEnvironmentConfig } from '@moe-rl/small-environments';

export interface LineKeyPicksConfig {
  /** Ways of picking, one of which picks the right key. Default 1. */
  readonly keys?: number;
  /** Chance that left and right are exchanged. Default 0.05. */
  readonly slipProbability?: number;
  /** Pay of every step right at the goal with the right key. Default 1. */
  readonly goalReward?: number;
  /** Pay of a step right at the goal without it. Default 0. */
  readonly distractorReward?: number;
  /** Agent steps of an episode. Default 60. */
  readonly horizon?: number;
}

interface Play {
  x: number;
  /** 0: none; 1: the right one. */
  key: number;
}

const isInKeyArea = (x: number): boolean => x <= 0.1;
const isInGoal = (x: number): boolean => x >= 0.9;

/**
 * Observation: x, has a key, in the key's area, at the goal, and one-hot which key. Actions: left, right, pick (one for each key; any but the first picks a wrong
 * one, drawn at random). Steps are 0.074 to 0.076 long; walls at 0 and 1; starts at 0.3 to 0.4. Nothing ends an episode but its length.
 */
export function lineKeyPicks(settings: LineKeyPicksConfig = {}, config: SmallEnvironmentConfig = {}): SmallEnvironment {
  const names = ['keys', 'slipProbability', 'goalReward', 'distractorReward', 'horizon'];
  requireKnownOptions('lineKeyPicks', settings, names);
  const { slipProbability = 0.05, goalReward = 1, distractorReward = 0, horizon = 60 } = settings;
  const keys = requireInteger('keys', settings.keys ?? 1, 1, 100);
  requireFinite('slipProbability', slipProbability, 0, 1);
  requireFinite('goalReward', goalReward, 0);
  requireFinite('distractorReward', distractorReward, 0);
  return environmentOf<Play>(
    {
      id: 'navigation/line-key-picks',
      observationSpec: { frameShape: [4 + keys], stackSize: 1, dtype: 'float32' },
      actionCount: 2 + keys,
      maxEpisodeAgentSteps: requireInteger('horizon', horizon, 1),
      stickyActionProbability: 0,
      begin: (rng) => ({ x: 0.3 + 0.1 * rng.nextFloat(), key: 0 }),
      advance(play, action, rng) {
        const { x } = play;
        if (action >= 2) {
          if (play.key === 0 && isInKeyArea(x)) play.key = action === 2 ? 1 : 2 + rng.nextInteger(keys - 1);
          return { reward: 0, terminated: false };
        }
        const isRight = rng.nextFloat() < slipProbability ? action === 0 : action === 1;
        const length = 0.074 + 0.002 * rng.nextFloat();
        play.x = Math.min(1, Math.max(0, x + (isRight ? length : -length)));
        const paid = action === 1 && isInGoal(x) ? (play.key === 1 ? goalReward : distractorReward) : 0;
        return { reward: paid, terminated: false };
      },
      observe({ x, key }, target) {
        target[0] = x;
        target[1] = key === 0 ? 0 : 1;
        target[2] = isInKeyArea(x) ? 1 : 0;
        target[3] = isInGoal(x) ? 1 : 0;
        if (key > 0) target[3 + key] = 1;
      },
    },
    config,
  );
}
