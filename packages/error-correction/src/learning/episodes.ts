// Episodes: a model acts in many households at once until it says END, finishes its task or runs out of turns.
import { requireInteger, requireKnownOptions } from '@moe-rl/core';
import { act } from '../household/checker.ts';
import { type Feedback, isRejection } from '../household/feedback.ts';
import { observe } from '../household/observation.ts';
import { END } from '../household/parse.ts';
import type { Task } from '../household/tasks.ts';
import { copyWorld, type World } from '../household/world.ts';
import { chooseActions, type Inference } from './inference.ts';
import type { Roles, Situation } from './roles.ts';

/** A task in a household. */
export interface Problem {
  readonly task: Task;
  readonly world: World;
  /** What was done in this household before, which the model is told. Default: nothing. */
  readonly history?: readonly string[];
}

/** One action and the household's answer. */
export interface EpisodeStep {
  readonly situation: Situation;
  readonly action: string;
  readonly feedback: Feedback;
}

export interface Episode {
  readonly problem: Problem;
  readonly steps: readonly EpisodeStep[];
  /** How it ended: the model said END, the task was finished, or there were no turns left. */
  readonly end: 'END' | 'finished' | 'turns';
  /** Where the model said END, which a household always rejects: an episode whose task is finished is over. */
  readonly endedIn?: Situation;
}

export interface EpisodeOptions {
  readonly inference?: Inference;
  /** Turns of an episode at most. Default 26. */
  readonly maxTurns?: number;
  readonly signal?: AbortSignal;
  /** Called after each turn with the number of episodes still going on. */
  readonly onTurn?: (open: number) => void;
}

/** What a model is told at one moment. */
export function situationOf(world: World, task: Task, history: readonly string[]): Situation {
  return { instruction: task.instruction, observation: observe(world, task), history };
}

/**
 * Plays an episode of every problem; the problems' households stay as they are. A rejected action changes nothing and counts as a turn.
 * @throws AbortError when `signal` is aborted; InvalidArgumentError for an unknown option or inference, or roles that don't answer each question with a text
 */
export async function playEpisodes(
  roles: Roles,
  problems: readonly Problem[],
  options: EpisodeOptions = {},
): Promise<readonly Episode[]> {
  requireKnownOptions('playing episodes', options, ['inference', 'maxTurns', 'signal', 'onTurn']);
  const { inference = 'plain', maxTurns = 26, signal, onTurn } = options;
  requireInteger('maxTurns', maxTurns, 1);
  const choose = chooseActions(inference);
  const played = problems.map((problem) => ({
    problem,
    world: copyWorld(problem.world),
    steps: [] as EpisodeStep[],
    end: undefined as Episode['end'] | undefined,
    endedIn: undefined as Situation | undefined,
  }));
  for (let turn = 0; turn < maxTurns; turn++) {
    const open = played.filter(({ end }) => end === undefined);
    if (open.length === 0) break;
    signal?.throwIfAborted();
    const situations = open.map(({ world, problem, steps }) =>
      situationOf(world, problem.task, [...(problem.history ?? []), ...steps.map(({ action }) => action)]),
    );
    const actions = await choose(roles, situations);
    open.forEach((episode, index) => {
      const action = actions[index]!;
      if (action === END) {
        episode.end = 'END';
        episode.endedIn = situations[index]!;
        return;
      }
      const feedback = act(episode.world, action, episode.problem.task);
      episode.steps.push({ situation: situations[index]!, action, feedback });
      if (feedback.kind === 'finished') episode.end = 'finished';
    });
    onTurn?.(open.length);
  }
  return played.map(({ problem, steps, end = 'turns', endedIn }) => ({
    ...{ problem, steps, end },
    ...(endedIn === undefined ? {} : { endedIn }),
  }));
}

/** Whether each step was executed. */
export const successFlags = ({ steps }: Episode): readonly boolean[] =>
  steps.map(({ feedback }) => !isRejection(feedback));

/** Whether the task was finished at the end of the episode. */
export const isDone = (episode: Episode): boolean => episode.end === 'finished';
