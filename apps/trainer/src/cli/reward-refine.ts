// `moe-rl reward refine`: films an agent that learned from a reward program, takes a person's advice, and has the model improve the program.
import { join } from 'node:path';
import { createInterface } from 'node:readline/promises';
import { type Agent, createRandomAgent, type Environment, InvalidArgumentError, requireInteger } from '@moe-rl/core';
import { readBytes } from '@moe-rl/core/node';
import { MAX_FILM_AGENT_STEPS, type RecordedEpisode, recordEpisode } from '@moe-rl/figures';
import {
  describeCheck,
  type EnvironmentDescription,
  RewardProgram,
  RewardProgramError,
  refineReward,
} from '@moe-rl/text2reward';
import { loadTrainedAgent, makeEnvironment, newRunConfig } from '@moe-rl/training';
import { describeFilm, filmFormat, writeVideo } from './play.ts';
import { openModel, type RewardModelOptions, showProgram, trainCommand } from './reward.ts';
import { attemptKeeper, keepRound, readSession, requireSessionWritable } from './reward-session.ts';
import { MAX_SEED, openStoredRun } from './stored-run.ts';
import { interruptible, note, print } from './terminal.ts';

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
  requireSessionWritable(folder);
  const film = options.film ?? join(folder, `film-${session.rounds.length}.gif`);
  const format = filmFormat('--film', film);
  requireInteger('--max-agent-steps', options.maxAgentSteps, 1, MAX_FILM_AGENT_STEPS);
  requireInteger('--film-seed', options.filmSeed, 0, MAX_SEED);
  const model = await openModel(options);
  const config =
    runFolder === undefined
      ? newRunConfig({
          options: { game: session.game, ...(session.rom === undefined ? {} : { 'environment.rom': session.rom }) },
        })
      : await openStoredRun(runFolder, { module: options.module });
  if (config.game !== session.game) {
    throw new InvalidArgumentError(
      `${runFolder} is a run of ${config.game}; the reward in ${folder} is for ${session.game}`,
    );
  }
  const environment = makeEnvironment(config, 'evaluation');
  let trained: Awaited<ReturnType<typeof loadTrainedAgent>> | undefined;
  try {
    if (runFolder !== undefined) trained = await loadTrainedAgent(runFolder, config, note);
    const agent = trained?.agent ?? createRandomAgent(environment.actionCount, options.filmSeed);
    const name = join(folder, session.rounds.at(-1)!.program);
    const source = new TextDecoder().decode(readBytes(name));
    const { description } = session;
    const { episode, paid } = await watch({ agent, environment, description, source, name, ...options });
    await writeVideo(film, format, episode, 1);
    const who =
      trained === undefined ? 'a random agent' : `the agent after ${trained.agent.trainingAgentSteps} agent steps`;
    const seen = `${who} played an episode: ${describeFilm(episode)}; ${paid}.`;
    print(`${seen}\nfilm: ${film}`);
    const advice = options.advice ?? (await askForAdvice());
    const keepAttempt = attemptKeeper(folder, session.rounds.length + 1);
    const written = await interruptible(
      (signal) =>
        refineReward({
          ...{ model, description, environment, messages: session.messages, seen, advice, retries, signal },
          checkAgentSteps: options.checkSteps,
          ...(temperature === undefined ? {} : { temperature }),
          onProgram: (text, attempt) => showProgram(keepAttempt(attempt, text), text),
          onRefusal: (message, attempt) => note(`attempt ${attempt} refused: ${message}`),
        }),
      'stopping',
    );
    const file = keepRound(folder, session, written, { model: model.name, seen, advice });
    print(
      `${describeCheck(written.report)}\nprogram: ${file}${written.source === source ? ' (the model changed nothing)' : ''}`,
    );
    const { game, rom, descriptionFile } = session;
    const own = {
      ...(rom === undefined ? {} : { rom }),
      ...(descriptionFile === undefined ? {} : { description: descriptionFile }),
    };
    print(`train with it:  ${trainCommand({ game, ...own }, file)}`);
  } finally {
    trained?.dispose();
    environment.close?.();
  }
}

/** Films an episode and says what the program pays for it. One that fails is filmed all the same: that is what has to be improved. */
async function watch(request: {
  readonly agent: Agent;
  readonly environment: Environment;
  readonly description: EnvironmentDescription;
  readonly source: string;
  readonly name: string;
  readonly filmSeed: number;
  readonly maxAgentSteps: number;
}): Promise<{ readonly episode: RecordedEpisode; readonly paid: string }> {
  const { agent, environment, description, source, name, filmSeed: seed, maxAgentSteps } = request;
  const program = await RewardProgram.create({ source, name, description, environment });
  let collected = 0;
  let failures = 0;
  let failure = '';
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
      try {
        collected += program.reward({ action, reward: output.reward, terminated: output.terminated });
      } catch (error) {
        if (!(error instanceof RewardProgramError)) throw error;
        if (failures++ === 0) failure = error.message;
      }
      return output;
    },
  };
  try {
    const episode = await recordEpisode({ agent, environment: watched, seed, maxAgentSteps });
    const sum = `the reward program paid ${Number(collected.toPrecision(4))} in all`;
    return { episode, paid: failures === 0 ? sum : `${sum} and failed in ${failures} steps, first so: ${failure}` };
  } finally {
    program.dispose();
  }
}

/** @throws InvalidArgumentError where nobody can be asked, or nobody answers */
async function askForAdvice(): Promise<string> {
  if (!process.stdin.isTTY) {
    throw new InvalidArgumentError('--advice is missing, and there is no terminal to ask for it');
  }
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  try {
    // Ctrl-C and Ctrl-D close it; the question alone would then wait for ever.
    return await new Promise((resolve, reject) => {
      terminal.once('close', () => reject(new InvalidArgumentError('no advice was given')));
      terminal.question('Watch the film. What should the reward change? ').then(resolve, () => {});
    });
  } finally {
    terminal.close();
  }
}
