// When a run is evaluated while it trains, and for how long.
import { didYouMean, InvalidArgumentError, requireInteger } from '@moe-rl/core';

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

/**
 * Lays changes over settings. Naming one of `episodes` and `agentSteps` takes the other's place.
 * @throws InvalidArgumentError for a setting that does not exist.
 */
export function changeEvaluationSettings(
  settings: EvaluationSettings,
  changes: Readonly<Record<string, unknown>>,
): EvaluationSettings {
  for (const key of Object.keys(changes)) {
    if (Object.hasOwn(DEFAULT_EVALUATION_SETTINGS, key)) continue;
    const known = Object.keys(DEFAULT_EVALUATION_SETTINGS).map((name) => `evaluation.${name}`);
    const path = `evaluation.${key}`;
    throw new InvalidArgumentError(
      `there is no setting "${path}"${didYouMean(path, known) || `; there are ${known.join(', ')}`}`,
    );
  }
  const isNamed = (key: keyof EvaluationSettings): boolean => (changes[key] ?? null) !== null;
  return {
    ...settings,
    ...(isNamed('agentSteps') ? { episodes: null } : {}),
    ...(isNamed('episodes') ? { agentSteps: null } : {}),
    ...changes,
  } as EvaluationSettings;
}

/** @throws InvalidArgumentError naming the first setting that is out of range, or that both lengths are given, or none. */
export function checkEvaluationSettings(settings: EvaluationSettings): void {
  for (const [key, value] of Object.entries(settings)) {
    if (value !== null) requireInteger(`evaluation.${key}`, value, 1);
  }
  const { episodes, agentSteps } = settings;
  if ((episodes === null) === (agentSteps === null)) {
    throw new InvalidArgumentError(
      `evaluation.episodes is ${episodes} and evaluation.agentSteps is ${agentSteps}; expected one of them, and null for the other`,
    );
  }
}
