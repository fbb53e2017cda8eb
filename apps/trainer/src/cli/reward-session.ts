// The folder of a reward written in words: every program, the whole conversation, and how one came of the other.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { CorruptDataError, InvalidArgumentError, NotFoundError } from '@moe-rl/core';
import { makeFolder, readJson, replaceFile } from '@moe-rl/core/node';
import type { ChatMessage, CheckReport, EnvironmentDescription, WrittenReward } from '@moe-rl/text2reward';

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
  readonly goal: string;
  readonly description: EnvironmentDescription;
  readonly rounds: readonly RewardRound[];
  readonly messages: readonly ChatMessage[];
  /** Every reply of the model, as `--replies` takes them. */
  readonly replies: readonly string[];
}

const fileOf = (folder: string): string => join(folder, 'session.json');

/** @throws InvalidArgumentError when there is a session in the folder already */
export function requireNewSession(folder: string): void {
  if (existsSync(fileOf(folder))) {
    throw new InvalidArgumentError(
      `${folder} already holds a reward (${fileOf(folder)}); improve it with \`reward refine\`, or choose another --folder`,
    );
  }
}

/** @throws NotFoundError without a session; CorruptDataError for something else of its name */
export function readSession(folder: string): RewardSession {
  const file = fileOf(folder);
  if (!existsSync(file))
    throw new NotFoundError(`${folder} holds no reward (there is no ${file}); make one with \`reward write\``);
  const session = readJson(file) as Partial<RewardSession> | null;
  const isWhole =
    session?.formatVersion === FORMAT_VERSION &&
    typeof session.game === 'string' &&
    Array.isArray(session.messages) &&
    Array.isArray(session.replies) &&
    Array.isArray(session.rounds) &&
    session.rounds.length > 0;
  if (!isWhole)
    throw new CorruptDataError(`${file} is no session of \`reward write\` of format version ${FORMAT_VERSION}`);
  return session as RewardSession;
}

/** Keeps a program under its attempt before it runs. Returns the file. */
export function keepAttempt(folder: string, round: number, attempt: number, source: string): string {
  const attempts = join(folder, 'attempts');
  makeFolder(attempts);
  const file = join(attempts, `round-${round}-attempt-${attempt}.js`);
  replaceFile(file, source);
  return file;
}

/** Adds a round to a session, or begins one. Returns the program's file. */
export function keepRound(
  folder: string,
  before: Omit<RewardSession, 'formatVersion' | 'messages'>,
  written: WrittenReward,
  round: Omit<RewardRound, 'program' | 'report'>,
): string {
  const program = `program-${before.rounds.length + 1}.js`;
  replaceFile(join(folder, program), written.source);
  const session: RewardSession = {
    formatVersion: FORMAT_VERSION,
    game: before.game,
    goal: before.goal,
    description: before.description,
    rounds: [...before.rounds, { program, ...round, report: written.report }],
    messages: written.messages,
    replies: [...before.replies, ...written.replies],
  };
  replaceFile(fileOf(folder), `${JSON.stringify(session, null, 2)}\n`);
  return join(folder, program);
}
