// `moe-rl evaluate`: plays evaluation episodes with the agent of a run, beside the random agent.
import { type Agent, createRandomAgent, type Environment, requireInteger } from '@moe-rl/core';
import { agentKindOf, type EvaluationOutput, evaluateVisibly, meanText, number, table } from '@moe-rl/runs';
import { humanNormalizedScore, loadTrainedAgent, makeEnvironment, registry } from '@moe-rl/training';
import { requireOutputFile, writeOutputFile } from './output-file.ts';
import { MAX_SEED, openStoredRun, type StoredRunOptions } from './stored-run.ts';
import { interruptible, note, print, stoppedExitCode } from './terminal.ts';

interface EvaluateOptions extends StoredRunOptions {
  readonly episodes: number;
  readonly maxAgentSteps?: number;
  readonly seed: number;
  readonly random: boolean;
  readonly json?: string;
}

export async function evaluate(path: string, options: EvaluateOptions): Promise<void> {
  const { episodes, maxAgentSteps, seed, json } = options;
  requireInteger('--episodes', episodes, 1);
  requireInteger('--seed', seed, 0, MAX_SEED);
  if (maxAgentSteps !== undefined) requireInteger('--max-agent-steps', maxAgentSteps, 1);
  const config = await openStoredRun(path, options);
  if (json !== undefined && json !== '-') requireOutputFile('--json', json);
  for (const line of agentKindOf(config, registry).notes?.(config) ?? []) note(line);
  // JSON on standard output stands alone there.
  const tell = json === '-' ? note : print;
  await interruptible(async (signal) => {
    const trainedAgent = await loadTrainedAgent(path, config, note);
    const environment = makeEnvironment(config, 'evaluation');
    try {
      const run = (name: string, agent: Agent): Promise<EvaluationOutput> =>
        evaluateVisibly({
          ...{ name, agent, environment, episodes, seed, signal, maxEpisodeAgentSteps: maxAgentSteps },
          output: process.stderr,
          listsEpisodes: true,
        });
      const trained = await run('trained', trainedAgent.agent);
      const random = options.random && trained.isComplete ? await runRandom(run, environment, seed, signal) : undefined;
      const normalized = humanNormalizedScore(config.game, trained.mean);
      tell(resultTable(trained, random));
      for (const line of outputNotes({ trained, random }, episodes)) tell(line);
      if (normalized !== undefined) tell(`\nhuman-normalized score: ${number(normalized)} (0 = random, 1 = human)`);
      if (json !== undefined) {
        const result = {
          game: config.game,
          checkpoint: trainedAgent.checkpoint,
          maxAgentSteps: maxAgentSteps ?? null,
          trained,
          random: random ?? null,
          humanNormalizedScore: normalized ?? null,
        };
        const text = `${JSON.stringify(result, null, 2)}\n`;
        if (json === '-') process.stdout.write(text);
        else writeOutputFile(json, text);
      }
      if (signal.aborted) process.exitCode = stoppedExitCode();
    } finally {
      environment.close?.();
      trainedAgent.dispose();
    }
  }, 'stopping after this step');
}

/** The random agent's result; undefined when it was stopped before an episode ended: the trained agent's is worth telling without it. */
async function runRandom(
  run: (name: string, agent: Agent) => Promise<EvaluationOutput>,
  { actionCount }: Environment,
  seed: number,
  signal: AbortSignal,
): Promise<EvaluationOutput | undefined> {
  try {
    return await run('random', createRandomAgent(actionCount, seed));
  } catch (error) {
    if (signal.aborted) return undefined;
    throw error;
  }
}

/** Says which means hold episodes that did not end by themselves, or fewer than were asked for. */
function outputNotes(outputs: { readonly [name: string]: EvaluationOutput | undefined }, episodes: number): string[] {
  return Object.entries(outputs).flatMap(([name, output]) => {
    if (output === undefined) return [];
    const cut = `${name}: ${output.truncatedEpisodes} of ${output.episodes} episodes were cut by the limit of agent steps`;
    const stopped = `${name}: stopped after ${output.episodes} of ${episodes} episodes; the result is of these`;
    return [...(output.truncatedEpisodes > 0 ? [cut] : []), ...(output.isComplete ? [] : [stopped])];
  });
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
