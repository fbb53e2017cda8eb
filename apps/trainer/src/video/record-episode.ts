// Plays one episode and keeps what it looked like.
import { type Agent, type Environment, InvalidArgumentError, runLoop } from '@moe-rl/core';
import { enlarge, grayToRgb, sideBySide } from './compose.ts';
import type { RgbImage } from './gif.ts';

export interface RecordedEpisode {
  readonly frames: readonly RgbImage[];
  readonly episodeReturn: number;
  readonly agentSteps: number;
}

/**
 * Records an episode, one picture per agent step, at the game's own resolution times `scale`.
 * @throws InvalidArgumentError when the environment can't draw itself, or has no picture for the agent's view.
 */
export async function recordEpisode(options: {
  readonly agent: Agent;
  readonly environment: Environment;
  readonly seed: number;
  /** Whole number of screen pixels per game pixel. Default 1. */
  readonly scale?: number;
  /** Shows the newest observation frame beside the game. Default false. */
  readonly showAgentView?: boolean;
  /** Ends the video, not the measuring, after this many agent steps. Default 5,400 (six minutes of Atari). */
  readonly maxAgentSteps?: number;
}): Promise<RecordedEpisode> {
  const { agent, environment, seed, scale = 1, showAgentView = false, maxAgentSteps = 5400 } = options;
  if (environment.render === undefined) {
    throw new InvalidArgumentError(`${environment.id} can't draw itself, so there is nothing to film`);
  }
  const { dtype, frameShape } = environment.observationSpec;
  const [height = 0, width = 0] = frameShape;
  if (showAgentView && (dtype !== 'uint8' || frameShape.length !== 2)) {
    throw new InvalidArgumentError(`the agent's view of ${environment.id} is no picture (${dtype} [${frameShape}])`);
  }
  const frames: RgbImage[] = [];
  let result = { episodeReturn: 0, agentSteps: 0 };
  for await (const step of runLoop({ agent, environment, mode: 'evaluate', seed })) {
    if (frames.length < maxAgentSteps) {
      const game = enlarge(environment.render(), scale, scale);
      const observation = step.observation as Uint8Array;
      const newest = showAgentView
        ? grayToRgb(observation.subarray(observation.length - width * height), width, height)
        : undefined;
      frames.push(newest === undefined ? game : sideBySide(game, enlarge(newest, scale, scale)));
    }
    result = { episodeReturn: step.episodeReturn, agentSteps: step.episodeAgentSteps };
    if (step.terminated || step.truncated) break;
  }
  return { frames, ...result };
}
