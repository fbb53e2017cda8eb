// Plays one episode and keeps what it looked like.
import { type Agent, type Environment, InvalidArgumentError, requireInteger, runLoop } from '@moe-rl/core';
import { createBreather } from '@moe-rl/core/node';
import { grayToRgb, sideBySide } from './compose.ts';
import { DEFAULT_FILM_AGENT_STEPS, MAX_FILM_AGENT_STEPS } from './film-limits.ts';
import type { RgbImage } from './rgb-image.ts';

export interface RecordedEpisode {
  /** One picture per agent step, at the game's own resolution. */
  readonly frames: readonly RgbImage[];
  /** Return up to the film's end. */
  readonly episodeReturn: number;
  readonly agentSteps: number;
  /** True when the film ended at `maxAgentSteps` with the episode still under way. */
  readonly isCut: boolean;
}

/**
 * Records an episode to its end or to `maxAgentSteps`, whichever comes first.
 * @throws InvalidArgumentError when the environment can't draw itself or has no picture for the agent's view, and for a limit out of range.
 */
export async function recordEpisode(options: {
  readonly agent: Agent;
  readonly environment: Environment;
  readonly seed: number;
  /** Shows the newest observation frame beside the game. Default false. */
  readonly showAgentView?: boolean;
  /** Ends the film, and the playing, after this many agent steps. Default 5,400. */
  readonly maxAgentSteps?: number;
}): Promise<RecordedEpisode> {
  const { agent, environment, seed, showAgentView = false, maxAgentSteps = DEFAULT_FILM_AGENT_STEPS } = options;
  requireInteger('maxAgentSteps', maxAgentSteps, 1, MAX_FILM_AGENT_STEPS);
  if (environment.render === undefined) {
    throw new InvalidArgumentError(`${environment.id} can't draw itself, so there is nothing to film`);
  }
  const { dtype, frameShape } = environment.observationSpec;
  const [height = 0, width = 0] = frameShape;
  if (showAgentView && (dtype !== 'uint8' || frameShape.length !== 2)) {
    throw new InvalidArgumentError(`the agent's view of ${environment.id} is no picture (${dtype} [${frameShape}])`);
  }
  const frames: RgbImage[] = [];
  const breathe = createBreather();
  for await (const step of runLoop({ agent, environment, mode: 'evaluate', seed })) {
    const game = environment.render();
    const observation = step.observation as Uint8Array;
    frames.push(
      showAgentView
        ? sideBySide(game, grayToRgb(observation.subarray(observation.length - width * height), width, height))
        : { ...game, rgb: game.rgb.slice() },
    );
    await breathe();
    const isOver = step.terminated || step.truncated;
    if (isOver || frames.length === maxAgentSteps) {
      return { frames, episodeReturn: step.episodeReturn, agentSteps: step.episodeAgentSteps, isCut: !isOver };
    }
  }
  throw new Error('the run loop has no end');
}
