// When a run is evaluated while it trains, and for how long.
import { InvalidArgumentError, type Setting, setting } from '@moe-rl/core';

export interface EvaluationSettings {
  /** Agent steps of training between two evaluations; null: none. */
  readonly periodAgentSteps: number | null;
  /** Episodes of one evaluation; null where `agentSteps` says its length. */
  readonly episodes: number | null;
  /**
   * Agent steps of one evaluation, as Dopamine has it [evaluation_steps]: whole episodes are played until so many agent steps are reached, the last one to its
   * end (Machado et al. 2018). Null where `episodes` says the length.
   */
  readonly agentSteps: number | null;
  /** Cuts an evaluation episode after this many agent steps; null: only the environment's own limit. */
  readonly maxEpisodeAgentSteps: number | null;
}

export const DEFAULT_EVALUATION_SETTINGS: EvaluationSettings = {
  periodAgentSteps: null,
  episodes: 10,
  agentSteps: null,
  maxEpisodeAgentSteps: null,
};

const orNull = { isNullable: true, maximum: 1e12 } as const;

export const EVALUATION_FIELDS: Readonly<Record<keyof EvaluationSettings, Setting>> = {
  periodAgentSteps: setting.integer('Agent steps of training between two evaluations; null: none', null, orNull),
  episodes: setting.integer('Episodes of one evaluation; null where evaluation.agentSteps says its length', 10, orNull),
  agentSteps: setting.integer(
    'Agent steps of one evaluation: whole episodes until so many are reached; null where evaluation.episodes says its length',
    null,
    orNull,
  ),
  maxEpisodeAgentSteps: setting.integer(
    'Cuts an evaluation episode after this many agent steps; null: never',
    null,
    orNull,
  ),
};

/** Naming one of `episodes` and `agentSteps` takes the other's place: this is what it takes beside the change itself. */
export function impliedLength(changes: Readonly<Record<string, unknown>>): Readonly<Record<string, null>> {
  const isNamed = (key: keyof EvaluationSettings): boolean =>
    !['null', null, undefined].includes(changes[key] as never);
  if (isNamed('agentSteps') && !('episodes' in changes)) return { episodes: null };
  if (isNamed('episodes') && !('agentSteps' in changes)) return { agentSteps: null };
  return {};
}

/** @throws InvalidArgumentError when both lengths are given, or none. */
export function checkEvaluationSettings({ episodes, agentSteps }: EvaluationSettings): void {
  if ((episodes === null) === (agentSteps === null)) {
    throw new InvalidArgumentError(
      `evaluation.episodes is ${episodes} and evaluation.agentSteps is ${agentSteps}; expected one of them, and null for the other`,
    );
  }
}
