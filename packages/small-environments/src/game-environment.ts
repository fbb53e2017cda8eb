// Turns the rules of a small game into an Environment: seeds, time limits, sticky actions, state and argument checks are the same for all.
import {
  CheckpointError,
  createRng,
  type Environment,
  elementCount,
  InvalidArgumentError,
  type ObservationSpec,
  type Rng,
  type RngState,
  requireFinite,
  requireInteger,
  requireKnownOptions,
  type StateTree,
} from '@moe-rl/core';
import { renderBoard } from './render-board.ts';

/** The rules of one game. Everything that changes while it is played is in `State`, a plain JSON-able object. */
export interface GameRules<State extends object> {
  readonly id: string;
  readonly observationSpec: ObservationSpec;
  readonly actionCount: number;
  /** Cuts episodes (truncated) after so many agent steps; undefined: never. */
  readonly maxEpisodeAgentSteps: number | undefined;
  /** The observation is a board of cells (`[H, W]` or planes `[C, H, W]`), which can be drawn. */
  readonly isBoard?: boolean;
  /** Probability that the action before is repeated instead; 0 where the game has no such rule. */
  readonly stickyActionProbability: number;
  begin(rng: Rng): State;
  /** Changes `state` by one step. */
  advance(state: State, action: number, rng: Rng): { readonly reward: number; readonly terminated: boolean };
  /** Writes the observation; `target` is zeroed before. */
  observe(state: Readonly<State>, target: Float32Array | Uint8Array): void;
}

export interface SmallEnvironmentConfig {
  /** Seed of the environment's random stream. Default 0. */
  readonly seed?: number;
  /** Cuts episodes after so many agent steps instead of the game's own limit; `Infinity` for never. */
  readonly maxEpisodeAgentSteps?: number;
}

/** An environment that can always be saved and restored. */
export interface SmallEnvironment extends Environment {
  getState(): StateTree;
  /** @throws CheckpointError when the state is not one of this environment; the old state is kept then */
  setState(state: StateTree): void;
  /**
   * The game's state itself, not a copy: what its rules know, positions and timers by name, as it is until the next step. For reading.
   * @throws InvalidArgumentError before the first reset
   */
  peekState(): Readonly<Record<string, unknown>>;
}

export function environmentOf<State extends object>(
  rules: GameRules<State>,
  config: SmallEnvironmentConfig = {},
): SmallEnvironment {
  requireKnownOptions(rules.id, config, ['seed', 'maxEpisodeAgentSteps']);
  const { id, observationSpec, actionCount } = rules;
  let limit = rules.maxEpisodeAgentSteps ?? Number.POSITIVE_INFINITY;
  if (config.maxEpisodeAgentSteps !== undefined) {
    limit =
      config.maxEpisodeAgentSteps === Number.POSITIVE_INFINITY
        ? Number.POSITIVE_INFINITY
        : requireInteger('maxEpisodeAgentSteps', config.maxEpisodeAgentSteps, 1);
  }
  const stickiness = requireFinite('stickyActionProbability', rules.stickyActionProbability, 0, 1);
  let rng = createRng(config.seed ?? 0, id);
  let game: State | undefined;
  let episodeAgentSteps = 0;
  let isRunning = false;
  let lastAction = 0;
  const length = elementCount(observationSpec.frameShape) * observationSpec.stackSize;
  const observation = observationSpec.dtype === 'uint8' ? new Uint8Array(length) : new Float32Array(length);
  const observe = () => {
    observation.fill(0);
    if (game !== undefined) rules.observe(game, observation);
    return observation;
  };

  return {
    ...(rules.isBoard === true ? { render: () => renderBoard(observation, observationSpec.frameShape) } : {}),
    id,
    observationSpec,
    actionCount,
    reset(options = {}) {
      requireKnownOptions(`${id}: reset`, options, ['seed']);
      if (options.seed !== undefined) rng = createRng(options.seed, id);
      game = rules.begin(rng);
      episodeAgentSteps = 0;
      isRunning = true;
      lastAction = 0;
      return { observation: observe(), info: {} };
    },
    step(action) {
      requireInteger(`${id}: action`, action, 0, actionCount - 1);
      if (game === undefined || !isRunning) {
        throw new InvalidArgumentError(
          `${id}: step called ${game === undefined ? 'before reset' : 'after the episode ended'}; expected reset first`,
        );
      }
      const taken = stickiness > 0 && rng.nextFloat() < stickiness ? lastAction : action;
      lastAction = taken;
      const { reward, terminated } = rules.advance(game, taken, rng);
      episodeAgentSteps++;
      const truncated = !terminated && episodeAgentSteps >= limit;
      isRunning = !(terminated || truncated);
      return { observation: observe(), reward, terminated, truncated, info: {} };
    },
    peekState() {
      if (game === undefined) throw new InvalidArgumentError(`${id}: there is no state before reset`);
      return game as Readonly<Record<string, unknown>>;
    },
    getState: () => ({
      kind: id,
      version: 1,
      game: game === undefined ? null : JSON.stringify(game),
      episodeAgentSteps,
      isRunning,
      lastAction,
      rng: rng.getState(),
    }),
    setState(state) {
      if (state.kind !== id || state.version !== 1) {
        throw new CheckpointError(
          `environment state is "${String(state.kind)}" version ${String(state.version)}; expected "${id}" version 1`,
        );
      }
      if (
        !(state.game === null || typeof state.game === 'string') ||
        typeof state.episodeAgentSteps !== 'number' ||
        typeof state.lastAction !== 'number'
      ) {
        throw new CheckpointError(`environment state of "${id}": game, episodeAgentSteps or lastAction is missing`);
      }
      let restored: State | undefined;
      try {
        restored = state.game === null ? undefined : (JSON.parse(state.game) as State);
      } catch (cause) {
        throw new CheckpointError(`environment state of "${id}": the game is not JSON`, { cause });
      }
      if (restored !== undefined && (typeof restored !== 'object' || restored === null || Array.isArray(restored))) {
        throw new CheckpointError(`environment state of "${id}": the game is ${state.game}; expected an object`);
      }
      rng.setState(state.rng as RngState);
      game = restored;
      episodeAgentSteps = state.episodeAgentSteps;
      isRunning = state.isRunning === true;
      lastAction = state.lastAction;
      // For `render`, which shows the newest observation.
      observe();
    },
  };
}
