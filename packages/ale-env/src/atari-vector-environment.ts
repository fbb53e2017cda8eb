// Many copies of one Atari game stepped together in one WebAssembly memory. Autoreset is Gymnasium's NEXT_STEP.
import type { Game } from '@moe-rl/ale-wasm';
import {
  InvalidArgumentError,
  type ObservationSpec,
  requireInteger,
  type VectorEnvironment,
  type VectorStepOutput,
} from '@moe-rl/core';
import type { AtariConfig } from './atari-config.ts';
import { type MakeAtariOptions, type ResolvedGame, resolveGame } from './atari-environment.ts';
import { type Consoles, createConsoles, requireAction } from './consoles.ts';

const SIDE = 84;

export interface MakeAtariVectorOptions extends MakeAtariOptions {
  /** N, copies of the game. */
  readonly environmentCount: number;
}

/** Makes `environmentCount` copies of a game in this thread. @throws as `makeAtari` */
export function makeAtariVector({ environmentCount, ...options }: MakeAtariVectorOptions): AtariVectorEnvironment {
  requireInteger('environmentCount', environmentCount, 1, 1024);
  return new AtariVectorEnvironment(resolveGame(options), environmentCount);
}

/**
 * Copy `i` of a vector seeded with `s` plays exactly what a single environment seeded with `s + i` plays. The step after one that ended an episode resets
 * that copy and ignores its action; its reward is 0 then.
 */
export class AtariVectorEnvironment implements VectorEnvironment {
  readonly id: string;
  readonly environmentCount: number;
  readonly observationSpec: ObservationSpec;
  readonly actionCount: number;
  readonly actionCodes: readonly number[];
  readonly config: AtariConfig;
  readonly game: Game;
  readonly #consoles: Consoles;
  /** `[N, F, 84, 84]`, refreshed by each call. */
  readonly #observations: Uint8Array;
  readonly #rewards: Float32Array;
  readonly #terminated: Uint8Array;
  readonly #truncated: Uint8Array;
  readonly #codes: Uint8Array;
  #isReset = false;

  /** Use `makeAtariVector`. */
  constructor({ game, rom, config }: ResolvedGame, environmentCount: number) {
    this.game = game;
    this.config = config;
    this.environmentCount = environmentCount;
    this.#consoles = createConsoles(game, rom, { ...config, environmentCount });
    this.id = `atari/${game.id}`;
    this.actionCodes = this.#consoles.actionCodes;
    this.actionCount = this.actionCodes.length;
    this.observationSpec = { frameShape: [SIDE, SIDE], stackSize: config.stackSize, dtype: 'uint8' };
    this.#observations = new Uint8Array(environmentCount * config.stackSize * SIDE * SIDE);
    this.#rewards = new Float32Array(environmentCount);
    this.#terminated = new Uint8Array(environmentCount);
    this.#truncated = new Uint8Array(environmentCount);
    this.#codes = new Uint8Array(environmentCount);
  }

  /** Starts an episode on every copy; with a seed, copy `i` gets `seed + i`. Returns `[N, F, 84, 84]`. */
  reset(options: { readonly seed?: number } = {}): Uint8Array {
    const { seed } = options;
    if (seed !== undefined) requireInteger('seed', seed, 0, 2 ** 31 - this.environmentCount);
    for (let index = 0; index < this.environmentCount; index++)
      this.#reset(index, seed === undefined ? undefined : seed + index);
    this.#isReset = true;
    this.#terminated.fill(0);
    this.#truncated.fill(0);
    return this.#observations;
  }

  /** Plays one agent step on every copy. The arrays are reused by the next call. */
  step(actions: ArrayLike<number>): VectorStepOutput {
    const { environmentCount } = this;
    if (!this.#isReset) throw new InvalidArgumentError(`${this.id}: no episode was begun; call reset() first`);
    if (actions.length !== environmentCount) {
      throw new InvalidArgumentError(`${this.id}: got ${actions.length} actions for ${environmentCount} environments`);
    }
    const codes = this.#codes;
    for (let index = 0; index < environmentCount; index++) {
      codes[index] = this.actionCodes[requireAction(this.id, actions[index]!, this.actionCount)]!;
    }
    const { batch } = this.#consoles;
    const hasEnded = (index: number): boolean => this.#terminated[index] !== 0 || this.#truncated[index] !== 0;
    let anyEnded = false;
    for (let index = 0; index < environmentCount; index++) anyEnded ||= hasEnded(index);
    if (!anyEnded) batch.step(codes);
    for (let index = 0; index < environmentCount; index++) {
      if (hasEnded(index)) {
        this.#reset(index, undefined);
        this.#rewards[index] = 0;
        this.#terminated[index] = 0;
        this.#truncated[index] = 0;
        continue;
      }
      if (anyEnded) batch.stepConsole(index, codes[index]!);
      this.#rewards[index] = this.#consoles.reward(index);
      const terminated = this.#consoles.terminated(index);
      this.#terminated[index] = terminated ? 1 : 0;
      this.#truncated[index] = !terminated && this.#consoles.truncated(index) ? 1 : 0;
      this.#copyObservation(index);
    }
    return {
      observations: this.#observations,
      rewards: this.#rewards,
      terminated: this.#terminated,
      truncated: this.#truncated,
    };
  }

  close(): void {}

  #reset(index: number, seed: number | undefined): void {
    this.#consoles.reset(index, seed);
    this.#copyObservation(index);
  }

  #copyObservation(index: number): void {
    const observation = this.#consoles.batch.observation(index);
    this.#observations.set(observation, index * observation.length);
  }
}
