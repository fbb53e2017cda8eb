// Reward programs of @moe-rl/text2reward as a design of runs: the program is printed before it runs, and a copy of it is kept with the run and used on resume.
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { CorruptDataError, InvalidArgumentError, NotFoundError, type SettingsTree, setting } from '@moe-rl/core';
import { makeFolder, readBytes, readJson, replaceFile } from '@moe-rl/core/node';
import type { RewardKind } from '@moe-rl/runs';
import {
  checkDescription,
  checkProgram,
  createProgramReward,
  DEFAULT_REWARD_LIMITS,
  type EnvironmentDescription,
  findDescription,
  type RewardLimits,
} from '@moe-rl/text2reward';

/** Names in the run's `reward/` folder. */
const PROGRAM_FILE = 'program.js';
const DESCRIPTION_FILE = 'description.json';
const SUM_FILE = 'program.sha256';

const standard = DEFAULT_REWARD_LIMITS;

export const TEXT2REWARD: RewardKind = {
  description: 'A reward program, written by a language model or a person (see `moe-rl reward write`)',
  settings: {
    program: setting.text('File with the program; the run keeps a copy and goes on with that', null, {
      isNullable: true,
    }),
    description: setting.text(
      'JSON file that describes the environment; null: the description that comes with it',
      null,
      {
        isNullable: true,
      },
    ),
    gameRewardWeight: setting.number("Share of the game's own reward that is added", 0, { minimum: 0, maximum: 1000 }),
    hasRandomness: setting.boolean('Gives the program a Math.random, from a stream of the run', false),
    maxFailures: setting.integer(
      'Failures of the program that the run goes on over, with reward 0; one more ends it',
      0,
      {
        minimum: 0,
        maximum: 1e9,
      },
    ),
    steps: setting.integer('Branches and calls that a reward may take', standard.steps, {
      minimum: 10_000,
      maximum: 1e9,
    }),
    timeMs: setting.integer('Processor time that a reward may take', standard.timeMs, { maximum: 60_000 }),
    memoryMiB: setting.integer('Memory of the sandbox', standard.memoryBytes / 2 ** 20, { minimum: 2, maximum: 256 }),
  },
  changeableOnResume: ['maxFailures', 'steps', 'timeMs', 'memoryMiB'],
  check({ program }) {
    if (program === null) {
      throw new InvalidArgumentError(
        'reward.program is null; expected a file with a reward program (--set reward.program=FILE), as `moe-rl reward write` makes them',
      );
    }
  },
  checkRun({ settings, environment }) {
    readProgram(settings);
    readDescription(settings, environment.id);
  },
  async create({ config, settings, environment, folder, isResume, say }) {
    const kept = isResume ? readKept(folder) : undefined;
    const { source, name } = kept ?? readProgram(settings);
    const description = kept?.description ?? readDescription(settings, environment.id);
    say(`reward program ${name}, SHA-256 ${sumOf(source).slice(0, 12)}:\n${source.trimEnd()}`);
    const hasRandomness = settings.hasRandomness === true;
    const program = { source, name, description, environment, limits: limitsOf(settings) };
    // Shown before it runs, and tried before anything is learned: the first reset of the training, with its seed, begins the environment anew.
    if (kept === undefined) await checkProgram({ ...program, hasRandomness, agentSteps: 100 });
    const reward = await createProgramReward({
      ...program,
      gameRewardWeight: Number(settings.gameRewardWeight),
      ...(hasRandomness ? { seed: config.seed } : {}),
      maxFailures: Number(settings.maxFailures),
      onFailure: say,
    });
    if (kept === undefined) keep(folder, source, description);
    return reward;
  },
};

function limitsOf({ steps, timeMs, memoryMiB }: SettingsTree): Partial<RewardLimits> {
  return { steps: Number(steps), timeMs: Number(timeMs), memoryBytes: Number(memoryMiB) * 2 ** 20 };
}

function readProgram({ program }: SettingsTree): { readonly source: string; readonly name: string } {
  const file = String(program);
  if (!existsSync(file)) throw new NotFoundError(`reward.program is ${file}: there is no such file`);
  return { source: readText(file), name: file };
}

function readDescription({ description }: SettingsTree, id: string): EnvironmentDescription {
  if (description === null) return findDescription(id);
  return checked(readJson(String(description)), `reward.description is ${String(description)}`);
}

/** @throws InvalidArgumentError when it is no description */
function checked(value: unknown, place: string): EnvironmentDescription {
  const description = value as EnvironmentDescription;
  if (
    typeof description?.objects !== 'object' ||
    typeof description.fields !== 'object' ||
    !Array.isArray(description.actions)
  ) {
    throw new InvalidArgumentError(
      `${place}: expected a description with id, title, rules, actions, objects and fields`,
    );
  }
  checkDescription(description);
  return description;
}

function keep(folder: string, source: string, description: EnvironmentDescription): void {
  makeFolder(folder);
  replaceFile(join(folder, PROGRAM_FILE), source);
  replaceFile(join(folder, SUM_FILE), `${sumOf(source)}  ${PROGRAM_FILE}\n`);
  replaceFile(join(folder, DESCRIPTION_FILE), `${JSON.stringify(description, null, 2)}\n`);
}

/** What the run began with; undefined for one that never came to keep it. @throws CorruptDataError when the copy was changed */
function readKept(
  folder: string,
): { readonly source: string; readonly name: string; readonly description: EnvironmentDescription } | undefined {
  const file = join(folder, PROGRAM_FILE);
  if (!existsSync(join(folder, DESCRIPTION_FILE))) return undefined;
  if (!existsSync(file)) throw new CorruptDataError(`${file}, the reward program of this run, is gone`);
  const source = readText(file);
  const [sum] = readText(join(folder, SUM_FILE)).split(' ');
  if (sum !== sumOf(source)) {
    throw new CorruptDataError(
      `${file} has changed since the run began (SHA-256 ${sum?.slice(0, 12)}, now ${sumOf(source).slice(0, 12)}); put it back, or start a new run with it`,
    );
  }
  return {
    source,
    name: file,
    description: checked(readJson(join(folder, DESCRIPTION_FILE)), join(folder, DESCRIPTION_FILE)),
  };
}

function readText(file: string): string {
  return new TextDecoder().decode(readBytes(file));
}

function sumOf(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
