// The run loop: one environment, one agent, an endless stream of steps. Everything else (statistics, progress, checkpoints, video) consumes the stream,
// so agents never log and the trainer stays thin.
import type { ActMode, Agent, AgentMetrics } from './agent.ts';
import type { Environment, StepOutput } from './environment.ts';
import { NonFiniteError, ShapeError } from './errors.ts';
import type { EnvironmentInfo, Observation } from './transition.ts';

export interface RunLoopOptions {
  readonly environment: Environment;
  readonly agent: Agent;
  /** `train`: the agent observes every transition and learns. `evaluate`: it only acts. Default `train`. */
  readonly mode?: ActMode;
  /** Cuts an episode (truncated) after this many agent steps. Default: never. */
  readonly maxEpisodeAgentSteps?: number;
  /** Seed of the first reset. Not used with `resumeFrom`: the environment's own stream goes on. */
  readonly seed?: number;
  /** Continue an episode under way (after a resume) from this observation instead of resetting first. */
  readonly resumeFrom?: {
    readonly observation: Observation;
    readonly episodeAgentSteps: number;
    readonly episodeReturn: number;
  };
}

/** One yielded step. `observation` may be overwritten by the next step. */
export interface RunStep {
  readonly action: number;
  readonly observation: Observation;
  readonly reward: number;
  readonly terminated: boolean;
  readonly truncated: boolean;
  /** Agent steps of this episode so far, this one included. */
  readonly episodeAgentSteps: number;
  /** Sum of the unclipped rewards of this episode so far. */
  readonly episodeReturn: number;
  /** Metrics, when the agent made an update at this step. */
  readonly metrics: AgentMetrics | undefined;
  readonly info: EnvironmentInfo;
}

/**
 * Yields one `RunStep` per agent step, for ever; stop by leaving the `for await`.
 * The environment is reset lazily, when the step after an episode's end is asked for, so a consumer may save a checkpoint between any two steps.
 * @throws NonFiniteError for a reward, and ShapeError for an observation, that no environment may give, naming the environment, before the agent sees it
 */
export async function* runLoop(options: RunLoopOptions): AsyncGenerator<RunStep, never, void> {
  const { environment, agent, mode = 'train', maxEpisodeAgentSteps = Number.POSITIVE_INFINITY } = options;
  let resume = options.resumeFrom;
  let seed = resume === undefined ? options.seed : undefined;
  for (;;) {
    let current: Uint8Array | Float32Array;
    let episodeAgentSteps = 0;
    let episodeReturn = 0;
    if (resume === undefined) {
      current = copyOf(environment.reset(seed === undefined ? undefined : { seed }).observation);
      seed = undefined;
    } else {
      current = copyOf(resume.observation);
      episodeAgentSteps = resume.episodeAgentSteps;
      episodeReturn = resume.episodeReturn;
      resume = undefined;
    }
    for (let ended = false; !ended; ) {
      const action = await agent.act(current, mode);
      const step = environment.step(action);
      episodeAgentSteps++;
      requireStep(environment.id, step, episodeAgentSteps, current.length);
      episodeReturn += step.reward;
      const truncated = step.truncated || (!step.terminated && episodeAgentSteps >= maxEpisodeAgentSteps);
      ended = step.terminated || truncated;
      const metrics =
        mode === 'train'
          ? await agent.observe({
              observation: current,
              action,
              reward: step.reward,
              terminated: step.terminated,
              truncated,
              nextObservation: step.observation,
              info: step.info,
            })
          : undefined;
      current.set(step.observation);
      yield {
        action,
        observation: current,
        reward: step.reward,
        terminated: step.terminated,
        truncated,
        episodeAgentSteps,
        episodeReturn,
        metrics,
        info: step.info,
      };
    }
  }
}

/** Not every agent looks at its rewards, and an evaluation's none: NaN would be a mean return. A shorter observation would keep the end of the one before. */
function requireStep(id: string, { reward, observation }: StepOutput, episodeAgentSteps: number, length: number): void {
  if (typeof reward !== 'number' || !Number.isFinite(reward)) {
    throw new NonFiniteError(
      `${id}: the reward of step ${episodeAgentSteps} of an episode is ${String(reward)}; expected a finite number`,
    );
  }
  if (observation?.length !== length) {
    throw new ShapeError(
      `${id}: the observation after step ${episodeAgentSteps} of an episode has ${String(observation?.length)} elements; expected ${length}, as after reset`,
    );
  }
}

function copyOf(observation: Observation): Uint8Array | Float32Array {
  return observation.slice() as Uint8Array | Float32Array;
}
