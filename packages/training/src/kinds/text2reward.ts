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
  checkDescription(value as EnvironmentDescription, place);
  return value as EnvironmentDescription;
}

/** The sums come last: where they are, the rest is. */
function keep(folder: string, source: string, description: EnvironmentDescription): void {
  const described = `${JSON.stringify(description, null, 2)}\n`;
  makeFolder(folder);
  replaceFile(join(folder, PROGRAM_FILE), source);
  replaceFile(join(folder, DESCRIPTION_FILE), described);
  replaceFile(join(folder, SUM_FILE), `${sumOf(source)}  ${PROGRAM_FILE}\n${sumOf(described)}  ${DESCRIPTION_FILE}\n`);
}

/** What the run began with; undefined for one that never came to keep it. @throws CorruptDataError when a copy was changed or is gone */
function readKept(
  folder: string,
): { readonly source: string; readonly name: string; readonly description: EnvironmentDescription } | undefined {
  const [sumFile, name, description] = [SUM_FILE, PROGRAM_FILE, DESCRIPTION_FILE].map((file) => join(folder, file));
  if (!existsSync(sumFile!)) {
    if (!existsSync(description!)) return undefined;
    throw new CorruptDataError(`${sumFile}, by which the reward program of this run is known, is gone`);
  }
  const [ofProgram, ofDescription] = readText(sumFile!)
    .split('\n')
    .map((line) => line.split(' ')[0]!);
  const source = readKeptFile(name!, 'the reward program of this run', ofProgram!);
  // Runs of the first version know the program's sum alone.
  const described = readKeptFile(description!, 'what the reward program of this run reads', ofDescription ?? '');
  return { source, name: name!, description: checked(parsed(described, description!), description!) };
}

/** @param sum empty: any */
function readKeptFile(file: string, what: string, sum: string): string {
  if (!existsSync(file)) throw new CorruptDataError(`${file}, ${what}, is gone`);
  const text = readText(file);
  if (sum === '' || sum === sumOf(text)) return text;
  throw new CorruptDataError(
    `${file} has changed since the run began (SHA-256 ${sum.slice(0, 12)}, now ${sumOf(text).slice(0, 12)}); put it back, or start a new run with it`,
  );
}

function parsed(text: string, file: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new CorruptDataError(`${file} is not valid JSON`, { cause });
  }
}

function readText(file: string): string {
  return new TextDecoder().decode(readBytes(file));
}

function sumOf(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
