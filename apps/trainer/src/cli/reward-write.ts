// `moe-rl reward write`: from a goal in words to a reward program in a folder.
import { join, resolve } from 'node:path';
import { readJson } from '@moe-rl/core/node';
import { checkExamples, describeCheck, writeReward } from '@moe-rl/text2reward';
import {
  openGame,
  openModel,
  type RewardGameOptions,
  type RewardModelOptions,
  showProgram,
  trainCommand,
} from './reward.ts';
import { attemptKeeper, keepRound, requireNewSession } from './reward-session.ts';
import { interruptible, note, print, programName, quoted } from './terminal.ts';

interface RewardWriteOptions extends RewardGameOptions, RewardModelOptions {
  readonly goal: string;
  readonly folder?: string;
  readonly examples: number;
  readonly examplesFile?: string;
}

export async function rewardWrite(options: RewardWriteOptions): Promise<void> {
  const { game, goal, temperature, retries, examplesFile } = options;
  const folder = options.folder ?? join('rewards', game.replace(/[^\w.-]/g, '_'));
  requireNewSession(folder);
  const model = await openModel(options);
  const { environment, description } = openGame(options);
  const keepAttempt = attemptKeeper(folder, 1);
  try {
    note(`asking ${model.name} for a reward program for ${description.title}`);
    const written = await interruptible(
      (signal) =>
        writeReward({
          ...{ model, description, environment, goal, retries, signal },
          exampleCount: options.examples,
          checkAgentSteps: options.checkSteps,
          ...(temperature === undefined ? {} : { temperature }),
          ...(examplesFile === undefined
            ? {}
            : { examples: checkExamples(readJson(examplesFile), `--examples-file ${examplesFile}`) }),
          onProgram: (source, attempt) => showProgram(keepAttempt(attempt, source), source),
          onRefusal: (message, attempt) => note(`attempt ${attempt} refused: ${message}`),
        }),
      'stopping',
    );
    const own = {
      ...(options.rom === undefined ? {} : { rom: resolve(options.rom) }),
      ...(options.description === undefined ? {} : { descriptionFile: resolve(options.description) }),
    };
    const before = { game, ...own, goal, description, rounds: [], replies: [] };
    const file = keepRound(folder, before, written, { model: model.name });
    print(`${describeCheck(written.report)}\nprogram: ${file}`);
    print(`train with it:  ${trainCommand(options, file)}`);
    print(`improve it:     ${programName()} reward refine ${quoted(folder)} --run-folder RUN`);
  } finally {
    environment.close?.();
  }
}
