// Suites: the lists of games that people report on, each with the protocol and the preset that is usual for it.
import { GAMES } from '@moe-rl/ale-wasm/games';
import { didYouMean, NotFoundError } from '@moe-rl/core';
import type { ProtocolName } from './protocols.ts';
import type { Settings } from './settings.ts';

export interface Suite {
  readonly name: string;
  readonly description: string;
  readonly games: readonly string[];
  /** Protocol where the plan names none. */
  readonly protocol: ProtocolName;
  /** Preset that the built-in variants change. */
  readonly preset: string;
  /** Settings of every run of the suite, beside the preset's. */
  readonly settings: Settings;
}

/** Games of the emulator's table that belong to a benchmark. */
const gamesOf = (set: string): readonly string[] =>
  GAMES.filter(({ sets }) => sets.includes(set))
    .map(({ id }) => id)
    .sort();

/** DQN on MinAtar as in "Revisiting Rainbow" (arXiv 2011.14826, its configuration files): network and learning settings. */
const MINATAR_SETTINGS: Settings = {
  'network.encoder.type': 'minatar',
  'network.hiddenUnits': 128,
  'optimizer.learningRate': 2.5e-4,
  'optimizer.epsilon': 3.125e-4,
  'agent.targetUpdatePeriodAgentSteps': 1000,
  'agent.minReplayHistoryAgentSteps': 1000,
  'agent.error': 'huber',
  'replay.capacity': 100_000,
};

const SUITES: readonly Suite[] = [
  {
    name: 'atari20',
    description: 'the 20 games of the Mixtures-of-Experts paper (arXiv 2402.08609, appendix A)',
    games: gamesOf('paper20'),
    protocol: 'dopamine',
    preset: 'dqn-impala',
    settings: {},
  },
  {
    name: 'atari5',
    description: 'the 5 games that predict the median of all best (Aitchison et al. 2023)',
    games: ['battle_zone', 'double_dunk', 'name_this_game', 'phoenix', 'qbert'],
    protocol: 'dopamine',
    preset: 'dqn-impala',
    settings: {},
  },
  {
    name: 'atari10',
    description: 'Atari-5 and 5 more games (Aitchison et al. 2023)',
    games: [
      'amidar',
      'battle_zone',
      'bowling',
      'double_dunk',
      'frostbite',
      'kung_fu_master',
      'name_this_game',
      'phoenix',
      'qbert',
      'riverraid',
    ],
    protocol: 'dopamine',
    preset: 'dqn-impala',
    settings: {},
  },
  {
    name: 'atari26',
    description: 'the 26 games of Atari 100k (Kaiser et al. 2020)',
    games: gamesOf('atari100k'),
    protocol: 'atari-100k',
    preset: 'der',
    settings: {},
  },
  {
    name: 'atari57',
    description: 'the 57 games with published human scores',
    games: gamesOf('atari57'),
    protocol: 'dopamine',
    preset: 'dqn-impala',
    settings: {},
  },
  {
    name: 'atari60',
    description: "the 60 games of Dopamine's baselines",
    games: gamesOf('dopamine60'),
    protocol: 'dopamine',
    preset: 'dqn-impala',
    settings: {},
  },
  {
    name: 'minatar',
    description: 'the 5 MinAtar-like games; no ROM needed',
    games: ['minatar/asterix', 'minatar/breakout', 'minatar/freeway', 'minatar/seaquest', 'minatar/space-invaders'],
    protocol: 'minatar',
    preset: 'dqn',
    settings: MINATAR_SETTINGS,
  },
  {
    name: 'classic',
    description: 'CartPole, MountainCar and Acrobot; no ROM needed',
    games: ['classic-control/acrobot', 'classic-control/cart-pole', 'classic-control/mountain-car'],
    protocol: 'classic',
    preset: 'classic-control',
    settings: {},
  },
  {
    name: 'demo',
    description: 'the embedded game; no ROM needed, minutes instead of days',
    games: ['windfall'],
    protocol: 'demo',
    preset: 'quickstart',
    settings: {},
  },
];

export const SUITE_NAMES: readonly string[] = SUITES.map(({ name }) => name);

/** All suites. */
export function listSuites(): readonly Suite[] {
  return SUITES;
}

/** @throws NotFoundError naming the suites that exist */
export function getSuite(name: string): Suite {
  const suite = SUITES.find((candidate) => candidate.name === name);
  if (suite !== undefined) return suite;
  throw new NotFoundError(
    `there is no suite "${name}"${didYouMean(name, SUITE_NAMES) || `; there are ${SUITE_NAMES.join(', ')}`}`,
  );
}
