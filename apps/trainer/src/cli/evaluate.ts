// `moe-rl evaluate`: how good is the agent of a run, with an error bar, against the random agent and the human score.
import { type Agent, createRandomAgent, requireInteger, requireOneOf } from '@moe-rl/core';
import { replaceFile } from '@moe-rl/core/node';
import type { EvaluationOutput } from '@moe-rl/runs';
import {
  BACKENDS,
  evaluateVisibly,
  evaluationConfig,
  humanNormalizedScore,
  meanText,
  number,
  type RunConfig,
  readRunConfig,
  table,
} from '@moe-rl/runs';
import { loadTrainedAgent, makeEnvironment } from '@moe-rl/training';
import { interruptible, note, print } from './terminal.ts';

interface EvaluateOptions {
  readonly episodes: number;
  readonly maxAgentSteps?: number;
  readonly seed: number;
  readonly backend?: string;
  readonly threads?: number;
  readonly random: boolean;
  readonly json?: string;
}

/**
 * The stored configuration with another backend where one is asked for.
 * @throws InvalidArgumentError for an unknown backend or a bad number of threads
 */
export function withBackend(
  config: RunConfig,
  options: { readonly backend?: string; readonly threads?: number },
): RunConfig {
  return {
    ...config,
    ...(options.backend === undefined ? {} : { backend: requireOneOf('backend', options.backend, BACKENDS) }),
    ...(options.threads === undefined ? {} : { threads: requireInteger('threads', options.threads, 1, 1024) }),
  };
}

export async function evaluate(path: string, options: EvaluateOptions): Promise<void> {
  const { episodes, maxAgentSteps, seed } = options;
  requireInteger('--episodes', episodes, 1);
  if (maxAgentSteps !== undefined) requireInteger('--max-agent-steps', maxAgentSteps, 1);
  const config = withBackend(readRunConfig(path), options);
  await interruptible(async (signal) => {
    const trainedAgent = await loadTrainedAgent(path, config, note);
    const environment = makeEnvironment(evaluationConfig(config));
    try {
      const run = (name: string, agent: Agent): Promise<EvaluationOutput> =>
        evaluateVisibly({
          name,
          agent,
          environment,
          episodes,
          seed,
          signal,
          output: process.stderr,
          listsEpisodes: true,
          ...(maxAgentSteps === undefined ? {} : { maxEpisodeAgentSteps: maxAgentSteps }),
        });
      const trained = await run('trained', trainedAgent.agent);
      if (!trained.isComplete) signal.throwIfAborted();
      const random = options.random ? await run('random', createRandomAgent(environment.actionCount, seed)) : undefined;
      const normalized = humanNormalizedScore(config.game, trained.mean);
      print(resultTable(trained, random));
      for (const line of truncationNotes({ trained, random })) print(line);
      if (normalized !== undefined) print(`\nhuman-normalized score: ${number(normalized)} (0 = random, 1 = human)`);
      if (options.json !== undefined) {
        const result = {
          game: config.game,
          checkpoint: trainedAgent.checkpoint,
          maxAgentSteps: maxAgentSteps ?? null,
          trained,
          random: random ?? null,
          humanNormalizedScore: normalized ?? null,
        };
        replaceFile(options.json, `${JSON.stringify(result, null, 2)}\n`);
      }
    } finally {
      environment.close?.();
      trainedAgent.dispose();
    }
  }, 'stopping after this step');
}

/** Says which means hold episodes that did not end by themselves. */
function truncationNotes(outputs: { readonly [name: string]: EvaluationOutput | undefined }): string[] {
  return Object.entries(outputs).flatMap(([name, output]) =>
    output === undefined || output.truncatedEpisodes === 0
      ? []
      : [`${name}: ${output.truncatedEpisodes} of ${output.episodes} episodes were cut by the limit of agent steps`],
  );
}

function resultTable(trained: EvaluationOutput, random: EvaluationOutput | undefined): string {
  const row = (name: string, output: EvaluationOutput): string[] => [
    name,
    meanText(output),
    number(output.median),
    number(output.minimum),
    number(output.maximum),
    String(output.episodes),
  ];
  return table(
    ['agent', 'mean return ± standard error', 'median', 'lowest', 'highest', 'episodes'],
    [row('trained', trained), ...(random === undefined ? [] : [row('random', random)])],
  );
}
