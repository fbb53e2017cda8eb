// `moe-rl evaluate`: how good is the agent of a run, with an error bar, against the random agent and the human score.
import { requireInteger, requireOneOf } from '@moe-rl/core';
import { type EvaluationOutput, evaluateAgent } from '../evaluation/evaluate-agent.ts';
import { humanNormalizedScore } from '../evaluation/human-scores.ts';
import { createRandomAgent } from '../evaluation/random-agent.ts';
import { BACKENDS } from '../run/backends.ts';
import { makeEnvironment } from '../run/games.ts';
import { evaluationConfig, type RunConfig } from '../run/run-config.ts';
import { readRunConfig } from '../run/run-folder.ts';
import { loadTrainedAgent } from '../run/session.ts';
import { replaceFile } from '../run/storage.ts';
import { number, table } from '../text.ts';
import { interruptible, note, print } from './terminal.ts';

interface EvaluateOptions {
  readonly episodes: number;
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
  const config = withBackend(readRunConfig(path), options);
  await interruptible(async (signal) => {
    const trainedAgent = await loadTrainedAgent(path, config, note);
    const environment = makeEnvironment(evaluationConfig(config));
    try {
      const { episodes, seed } = options;
      const show = (name: string) => (played: number, episodeReturn: number) => {
        signal.throwIfAborted();
        note(`${name}: episode ${played} of ${episodes}, return ${number(episodeReturn)}`);
      };
      const trained = await evaluateAgent({
        agent: trainedAgent.agent,
        environment,
        episodes,
        seed,
        onEpisode: show('trained'),
      });
      const randomAgent = createRandomAgent(environment.actionCount, seed);
      const random = options.random
        ? await evaluateAgent({ agent: randomAgent, environment, episodes, seed, onEpisode: show('random') })
        : undefined;
      const normalized = humanNormalizedScore(config.game, trained.mean);
      print(resultTable(trained, random));
      if (normalized !== undefined) print(`\nhuman-normalized score: ${number(normalized)} (0 = random, 1 = human)`);
      if (options.json !== undefined) {
        const result = {
          game: config.game,
          checkpoint: trainedAgent.checkpoint,
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
  });
}

function resultTable(trained: EvaluationOutput, random: EvaluationOutput | undefined): string {
  const row = (name: string, output: EvaluationOutput): string[] => [
    name,
    `${number(output.mean)} ± ${number(output.standardError)}`,
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
