// Many copies of one Atari game stepped together in one WebAssembly memory, with Gymnasium's three autoreset modes and partial resets.
import type { Game } from '@moe-rl/ale-wasm';
import {
  type AutoresetMode,
  type EnvironmentInfo,
  InvalidArgumentError,
  type ObservationSpec,
  requireInteger,
  requireOneOf,
  type VectorEnvironment,
  type VectorResetOptions,
  type VectorStepOutput,
} from '@moe-rl/core';
import type { AtariConfig } from './atari-config.ts';
import { type MakeAtariOptions, type ResolvedGame, resolveGame } from './atari-environment.ts';
import { AUTORESET_MODES, checkReset, requireNoneEnded } from './autoreset.ts';
import { type Consoles, createConsoles, requireAction } from './consoles.ts';

const SIDE = 84;

export interface MakeAtariVectorOptions extends MakeAtariOptions {
  /** N, copies of the game. */
  readonly environmentCount: number;
  /** When a copy whose episode has ended starts the next one. Default `next-step`. */
  readonly autoreset?: AutoresetMode;
}

/** Makes `environmentCount` copies of a game in this thread. @throws as `makeAtari` */
export function makeAtariVector(options: MakeAtariVectorOptions): AtariVectorEnvironment {
  const { environmentCount, autoreset = 'next-step', ...rest } = options;
  requireInteger('environmentCount', environmentCount, 1, 1024);
  requireOneOf('autoreset', autoreset, AUTORESET_MODES);
  return new AtariVectorEnvironment(resolveGame(rest), environmentCount, autoreset);
}

/**
 * Copy `i` of a vector seeded with `s` plays exactly what a single environment seeded with `s + i` plays.
 */
export class AtariVectorEnvironment implements VectorEnvironment {
  readonly id: string;
  readonly environmentCount: number;
  readonly observationSpec: ObservationSpec;
  readonly actionCount: number;
  readonly actionCodes: readonly number[];
  readonly config: AtariConfig;
  readonly autoreset: AutoresetMode;
  readonly game: Game;
  readonly #consoles: Consoles;
  /** `[N, F, 84, 84]`, refreshed by each call. */
  readonly #observations: Uint8Array;
  readonly #rewards: Float32Array;
  readonly #terminated: Uint8Array;
  readonly #truncated: Uint8Array;
  readonly #codes: Uint8Array;
  /** `same-step`: last observations of ended episodes, `[F, 84, 84]` each. */
  readonly #finalPictures: readonly Uint8Array[];
  #isReset = false;

  /** Use `makeAtariVector`. */
  constructor({ game, rom, config }: ResolvedGame, environmentCount: number, autoreset: AutoresetMode) {
    this.autoreset = autoreset;
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
    this.#finalPictures = Array.from(
      { length: autoreset === 'same-step' ? environmentCount : 0 },
      () => new Uint8Array(config.stackSize * SIDE * SIDE),
    );
  }

  /**
   * Starts an episode on every copy, or on those of `mask`; with a seed, copy `i` gets `seed + i`; the first reset has seed 0 if it gives none. Returns
   * `[N, F, 84, 84]` of all copies.
   * @throws InvalidArgumentError, before any copy moves, for a seed out of range or a mask that doesn't fit
   */
  reset(options: VectorResetOptions = {}): Uint8Array {
    const { seed = this.#isReset ? undefined : 0, mask } = checkReset(
      this.id,
      this.environmentCount,
      this.#isReset,
      options,
    );
    for (let index = 0; index < this.environmentCount; index++) {
      if (mask?.[index] === 0) continue;
      this.#reset(index, seed === undefined ? undefined : seed + index);
      this.#terminated[index] = 0;
      this.#truncated[index] = 0;
    }
    this.#isReset = true;
    return this.#observations;
  }

  /**
   * Plays one agent step on every copy. The arrays are reused by the next call.
   * @throws InvalidArgumentError, before any copy moves, for actions that don't fit; before the first reset; with autoreset `disabled`, when one has ended
   */
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
    const resetsNow = this.autoreset === 'same-step';
    if (this.autoreset === 'disabled') requireNoneEnded(this.id, this.#terminated, this.#truncated);
    /** An episode ended in the step before, and nobody has reset the copy since. */
    const hasEnded = (index: number): boolean =>
      !resetsNow && (this.#terminated[index] !== 0 || this.#truncated[index] !== 0);
    let anyEnded = false;
    for (let index = 0; index < environmentCount; index++) anyEnded ||= hasEnded(index);
    if (!anyEnded) batch.step(codes);
    const finalObservations: (Uint8Array | undefined)[] = [];
    const finalInfo: (EnvironmentInfo | undefined)[] = [];
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
      const truncated = !terminated && this.#consoles.truncated(index);
      this.#truncated[index] = truncated ? 1 : 0;
      if (resetsNow) {
        const isOver = terminated || truncated;
        finalObservations.push(isOver ? this.#finalPictures[index] : undefined);
        finalInfo.push(
          isOver ? { lives: batch.lives[index]!, episodeFrameNumber: batch.episodeFrameNumber(index) } : undefined,
        );
        if (isOver) {
          this.#finalPictures[index]!.set(batch.observation(index));
          this.#reset(index, undefined);
          continue;
        }
      }
      this.#copyObservation(index);
    }
    return {
      observations: this.#observations,
      rewards: this.#rewards,
      terminated: this.#terminated,
      truncated: this.#truncated,
      ...(resetsNow ? { finalObservations, finalInfo } : {}),
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
