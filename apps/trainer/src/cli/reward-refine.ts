// `moe-rl reward refine`: films an agent that learned from a reward program, takes a person's advice, and has the model improve the program.
import { extname, join } from 'node:path';
import { createInterface } from 'node:readline/promises';
import { type Agent, createRandomAgent, type Environment, InvalidArgumentError } from '@moe-rl/core';
import { makeFolder, readBytes } from '@moe-rl/core/node';
import { type RecordedEpisode, recordEpisode } from '@moe-rl/figures';
import { describeCheck, type EnvironmentDescription, RewardProgram, refineReward } from '@moe-rl/text2reward';
import { loadTrainedAgent, makeEnvironment, newRunConfig } from '@moe-rl/training';
import { describeFilm, writeVideo } from './play.ts';
import { openModel, type RewardModelOptions, showProgram } from './reward.ts';
import { keepAttempt, keepRound, readSession } from './reward-session.ts';
import { openStoredRun } from './stored-run.ts';
import { interruptible, note, print, programName } from './terminal.ts';

interface RewardRefineOptions extends RewardModelOptions {
  readonly runFolder?: string;
  readonly advice?: string;
  readonly film?: string;
  readonly filmSeed: number;
  readonly maxAgentSteps: number;
  readonly module: readonly string[];
}

export async function rewardRefine(folder: string, options: RewardRefineOptions): Promise<void> {
  const { runFolder, temperature, retries } = options;
  const session = readSession(folder);
  const film = options.film ?? join(folder, `film-${session.rounds.length}.gif`);
  const format = extname(film).slice(1).toLowerCase();
  if (format !== 'gif' && format !== 'mp4') {
    throw new InvalidArgumentError(`--film is ${film}; expected a name that ends with .gif or .mp4`);
  }
  const model = await openModel(options);
  const config =
    runFolder === undefined
      ? newRunConfig({ options: { game: session.game } })
      : await openStoredRun(runFolder, { module: options.module });
  if (config.game !== session.game) {
    throw new InvalidArgumentError(
      `${runFolder} is a run of ${config.game}; the reward in ${folder} is for ${session.game}`,
    );
  }
  const environment = makeEnvironment(config, 'evaluation');
  const trained = runFolder === undefined ? undefined : await loadTrainedAgent(runFolder, config, note);
  try {
    const agent = trained?.agent ?? createRandomAgent(environment.actionCount, options.filmSeed);
    const source = new TextDecoder().decode(readBytes(join(folder, session.rounds.at(-1)!.program)));
    const { description } = session;
    const { episode, collected } = await watch({ agent, environment, description, source, ...options });
    makeFolder(folder);
    await writeVideo(film, format, episode, 1);
    const who =
      trained === undefined ? 'a random agent' : `the agent after ${trained.agent.trainingAgentSteps} agent steps`;
    const seen = `${who} played an episode: ${describeFilm(episode)}; the reward program paid ${Number(collected.toPrecision(4))} in all.`;
    print(`${seen}\nfilm: ${film}`);
    const advice = options.advice ?? (await askForAdvice());
    const round = session.rounds.length + 1;
    const written = await interruptible(
      (signal) =>
        refineReward({
          ...{ model, description, environment, messages: session.messages, seen, advice, retries, signal },
          checkAgentSteps: options.checkSteps,
          ...(temperature === undefined ? {} : { temperature }),
          onProgram: (text, attempt) => showProgram(keepAttempt(folder, round, attempt, text), text),
          onRefusal: (message, attempt) => note(`attempt ${attempt} refused: ${message}`),
        }),
      'stopping',
    );
    const file = keepRound(folder, session, written, { model: model.name, seen, advice });
    print(
      `${describeCheck(written.report)}\nprogram: ${file}${written.source === source ? ' (the model changed nothing)' : ''}`,
    );
    print(
      `train with it:  ${programName()} train --game ${session.game} --reward text2reward --set reward.program=${file}`,
    );
  } finally {
    trained?.dispose();
    environment.close?.();
  }
}

/** Films an episode and sums what the program pays for it. */
async function watch(request: {
  readonly agent: Agent;
  readonly environment: Environment;
  readonly description: EnvironmentDescription;
  readonly source: string;
  readonly filmSeed: number;
  readonly maxAgentSteps: number;
}): Promise<{ readonly episode: RecordedEpisode; readonly collected: number }> {
  const { agent, environment, description, source, filmSeed: seed, maxAgentSteps } = request;
  const program = await RewardProgram.create({ source, description, environment });
  let collected = 0;
  const watched: Environment = {
    id: environment.id,
    observationSpec: environment.observationSpec,
    actionCount: environment.actionCount,
    ...(environment.render === undefined ? {} : { render: () => environment.render!() }),
    reset(options) {
      const output = environment.reset(options);
      program.begin();
      return output;
    },
    step(action) {
      const output = environment.step(action);
      collected += program.reward({ action, reward: output.reward, terminated: output.terminated });
      return output;
    },
  };
  try {
    return { episode: await recordEpisode({ agent, environment: watched, seed, maxAgentSteps }), collected };
  } finally {
    program.dispose();
  }
}

/** @throws InvalidArgumentError where nobody can be asked */
async function askForAdvice(): Promise<string> {
  if (!process.stdin.isTTY) {
    throw new InvalidArgumentError('--advice is missing, and there is no terminal to ask for it');
  }
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  try {
    return await terminal.question('Watch the film. What should the reward change? ');
  } finally {
    terminal.close();
  }
}
