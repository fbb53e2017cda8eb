// The folder of a reward written in words: every program, the whole conversation, and how one came of the other.
import { existsSync } from 'node:fs';
import { basename, join } from 'node:path';
import { CorruptDataError, InvalidArgumentError, NotFoundError } from '@moe-rl/core';
import { makeFolder, readJson, replaceFile, requireWritable } from '@moe-rl/core/node';
import {
  type ChatMessage,
  type CheckReport,
  checkDescription,
  type EnvironmentDescription,
  type WrittenReward,
} from '@moe-rl/text2reward';

const FORMAT_VERSION = 1;

export interface RewardRound {
  /** File name of the program, in the folder. */
  readonly program: string;
  readonly model: string;
  /** Refinements: what was seen and what was wanted. */
  readonly seen?: string;
  readonly advice?: string;
  readonly report: CheckReport;
}

export interface RewardSession {
  readonly formatVersion: number;
  readonly game: string;
  /** ROM file that was named, in place of the game's usual one. */
  readonly rom?: string;
  readonly goal: string;
  readonly description: EnvironmentDescription;
  /** File that it was read from, where it does not come with the package. */
  readonly descriptionFile?: string;
  readonly rounds: readonly RewardRound[];
  readonly messages: readonly ChatMessage[];
  /** Every reply of the model, as `--replies` takes them. */
  readonly replies: readonly string[];
}

const fileOf = (folder: string): string => join(folder, 'session.json');

/** @throws InvalidArgumentError when there is a session in the folder already; StorageError where none could be written, before a model is asked for one */
export function requireNewSession(folder: string): void {
  requireSessionWritable(folder);
  if (existsSync(fileOf(folder))) {
    throw new InvalidArgumentError(
      `${folder} already holds a reward (${fileOf(folder)}); improve it with \`reward refine\`, or choose another --folder`,
    );
  }
}

/** @throws StorageError where nothing could be kept, before a model is asked for it */
export const requireSessionWritable = (folder: string): void => requireWritable(fileOf(folder));

/** @throws NotFoundError without a session; CorruptDataError for something else of its name */
export function readSession(folder: string): RewardSession {
  const file = fileOf(folder);
  if (!existsSync(file))
    throw new NotFoundError(`${folder} holds no reward (there is no ${file}); make one with \`reward write\``);
  const session = readJson(file) as RewardSession;
  if (!isSession(session)) {
    throw new CorruptDataError(`${file} is no session of \`reward write\` of format version ${FORMAT_VERSION}`);
  }
  checkDescription(session.description, `${file}, description`);
  return session;
}

/** Whether every part of a session that is gone on with has its form; the description is checked by itself. */
function isSession(session: Partial<RewardSession> | null): boolean {
  const isText = (value: unknown): boolean => typeof value === 'string';
  return (
    session?.formatVersion === FORMAT_VERSION &&
    isText(session.game) &&
    isText(session.goal) &&
    [session.rom, session.descriptionFile].every((one) => one === undefined || isText(one)) &&
    Array.isArray(session.messages) &&
    session.messages.every((one) => isText(one?.content) && ROLES.has(one.role)) &&
    Array.isArray(session.replies) &&
    session.replies.every(isText) &&
    Array.isArray(session.rounds) &&
    session.rounds.length > 0 &&
    session.rounds.every((one) => isText(one?.program) && basename(one.program) === one.program)
  );
}

const ROLES: ReadonlySet<unknown> = new Set(['system', 'user', 'assistant'] satisfies ChatMessage['role'][]);

/** Keeps programs under their attempts before they run, behind those of an earlier start that gave up. The function returns the file. */
export function attemptKeeper(folder: string, round: number): (attempt: number, source: string) => string {
  const attempts = join(folder, 'attempts');
  const fileOfAttempt = (attempt: number): string => join(attempts, `round-${round}-attempt-${attempt}.js`);
  let earlier = 0;
  while (existsSync(fileOfAttempt(earlier + 1))) earlier++;
  return (attempt, source) => {
    makeFolder(attempts);
    const file = fileOfAttempt(earlier + attempt);
    replaceFile(file, source);
    return file;
  };
}

/** Adds a round to a session, or begins one. Returns the program's file. */
export function keepRound(
  folder: string,
  before: Omit<RewardSession, 'formatVersion' | 'messages'>,
  written: WrittenReward,
  round: Omit<RewardRound, 'program' | 'report'>,
): string {
  let number = before.rounds.length + 1;
  // A file of that name may be somebody's own.
  while (existsSync(join(folder, `program-${number}.js`))) number++;
  const program = `program-${number}.js`;
  replaceFile(join(folder, program), written.source);
  const session: RewardSession = {
    formatVersion: FORMAT_VERSION,
    game: before.game,
    ...(before.rom === undefined ? {} : { rom: before.rom }),
    goal: before.goal,
    description: before.description,
    ...(before.descriptionFile === undefined ? {} : { descriptionFile: before.descriptionFile }),
    rounds: [...before.rounds, { program, ...round, report: written.report }],
    messages: written.messages,
    replies: [...before.replies, ...written.replies],
  };
  replaceFile(fileOf(folder), `${JSON.stringify(session, null, 2)}\n`);
  return join(folder, program);
}
