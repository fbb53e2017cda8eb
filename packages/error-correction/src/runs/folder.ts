// A run's folder: settings.json, policy.safetensors (all variables, how many updates they have seen, and which explorations, replaced in one step),
// exploration-<round>.jsonl, cost.json.
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import {
  CheckpointError,
  CorruptDataError,
  decodeSafetensors,
  encodeSafetensors,
  InvalidArgumentError,
  type NamedTensors,
  NotFoundError,
} from '@moe-rl/core';
import { readBytes, readJsonObject, replaceFile } from '@moe-rl/core/node';
import { EXAMPLE_ROLES, type Example } from '../learning/examples.ts';
import type { Correction } from '../learning/roles.ts';
import { createPolicy, type Policy } from '../policy/policy.ts';
import { VOCABULARY } from '../policy/vocabulary.ts';
import { requireSettings, roundStart, type TrainingSettings } from './settings.ts';

const POLICY = 'policy.safetensors';
const SETTINGS = 'settings.json';

/**
 * Writes a new folder's settings, or checks that an old one has the same. One in which nothing was saved yet, because its start failed, is as a new one. To be
 * called by who holds the folder's lock.
 * @throws InvalidArgumentError naming the settings that differ
 */
export function claimFolder(folder: string, settings: TrainingSettings): void {
  const path = join(folder, SETTINGS);
  if (!existsSync(path) || isUnused(folder)) {
    replaceFile(path, `${JSON.stringify(settings, null, 2)}\n`);
    return;
  }
  const found = readSettings(folder) as unknown as Record<string, unknown>;
  const differences = Object.entries(settings).flatMap(([name, value]) => {
    const [there, now] = [JSON.stringify(found[name]), JSON.stringify(value)];
    return there === now ? [] : [`${name} is ${there} there and ${now} now`];
  });
  if (differences.length > 0) {
    throw new InvalidArgumentError(
      `${folder} holds a run of other settings: ${differences.join(', ')}; choose another folder, or the same settings`,
    );
  }
}

/** Whether a folder holds a run's settings and nothing else of it. What else is called settings.json is not ours to write over. */
function isUnused(folder: string): boolean {
  readSettings(folder);
  return ![POLICY, COST, explorationName(0)].some((name) => existsSync(join(folder, name)));
}

/** @throws NotFoundError when the folder holds no run, CorruptDataError when its settings are none */
export function readSettings(folder: string): TrainingSettings {
  const path = join(folder, SETTINGS);
  if (!existsSync(path)) {
    throw new NotFoundError(`${folder} holds no run (no ${SETTINGS}); expected the folder of a training run`);
  }
  return requireSettings(readJsonObject(path) as Partial<TrainingSettings>);
}

/**
 * Saves a policy and what it has seen.
 * @param explorations sums of the rounds of exploration
 */
export async function savePolicy(
  folder: string,
  policy: Policy,
  updates: number,
  explorations: readonly string[],
): Promise<void> {
  const metadata = { updates: String(updates), explorations: explorations.join(' '), vocabulary: WORDS_SUM };
  replaceFile(join(folder, POLICY), encodeSafetensors(await policy.getState(), metadata));
}

const sumOf = (data: string | Uint8Array): string => createHash('sha256').update(data).digest('hex');
const WORDS_SUM = sumOf(VOCABULARY.join('\n'));

const COST = 'cost.json';

/** Processor seconds of the training so far, over all starts; 0 where nothing was saved. */
export function savedCost(folder: string): number {
  const path = join(folder, COST);
  if (!existsSync(path)) return 0;
  const { processorSeconds } = readJsonObject(path);
  if (typeof processorSeconds === 'number' && processorSeconds >= 0) return processorSeconds;
  throw new CorruptDataError(`${path} has no processorSeconds; expected a number`);
}

/** Keeps what `savedCost` reads. */
export function saveCost(folder: string, processorSeconds: number): void {
  replaceFile(join(folder, COST), `${JSON.stringify({ processorSeconds: Math.round(processorSeconds * 10) / 10 })}\n`);
}

/** A policy as a folder keeps it. */
export interface SavedPolicy {
  readonly tensors: NamedTensors;
  readonly updates: number;
  /** Sums of the rounds of exploration that it has seen; none in files of the first version. */
  readonly explorations: readonly string[];
}

/** What was saved last; undefined: nothing yet. @throws CorruptDataError; CheckpointError for a policy of other words */
export function readPolicy(folder: string): SavedPolicy | undefined {
  const path = join(folder, POLICY);
  if (!existsSync(path)) return undefined;
  const { tensors, metadata } = decodeSafetensors(readBytes(path));
  const updates = Number(metadata['updates'] || Number.NaN);
  if (!Number.isInteger(updates) || updates < 0) {
    throw new CorruptDataError(`${path} says that it has ${metadata['updates']} updates; expected a number`);
  }
  const { vocabulary = WORDS_SUM, explorations = '' } = metadata;
  if (vocabulary !== WORDS_SUM) {
    throw new CheckpointError(`${path} was trained with other words than this version's; train it anew`);
  }
  return { tensors, updates, explorations: explorations.split(' ').filter(Boolean) };
}

/** Updates of the saved policy; 0 where none was saved. */
export const savedUpdates = (folder: string): number => readPolicy(folder)?.updates ?? 0;

/**
 * The policy of a run, as it was saved last; dispose of it.
 * @throws NotFoundError when there is no run, or nothing was saved yet
 */
export async function openPolicy(folder: string): Promise<{
  readonly policy: Policy;
  readonly settings: TrainingSettings;
  readonly updates: number;
}> {
  const settings = readSettings(folder);
  const saved = readPolicy(folder);
  if (saved === undefined) {
    throw new NotFoundError(`${folder} has no trained policy yet (no ${POLICY}); expected a run that was saved once`);
  }
  return { policy: await restoredPolicy(settings, saved), settings, updates: saved.updates };
}

/** A policy with the settings' network, as it was saved or fresh. @throws CheckpointError when what was saved is of another network */
export async function restoredPolicy(settings: TrainingSettings, saved: SavedPolicy | undefined): Promise<Policy> {
  const { seed, batchSize, feedbackBatchSize, network } = settings;
  const policy = await createPolicy({ seed, batchSize, feedbackBatchSize, network });
  if (saved === undefined) return policy;
  try {
    await policy.setState(saved.tensors);
  } catch (error) {
    policy.dispose();
    throw error;
  }
  return policy;
}

const explorationName = (round: number): string => `exploration-${round + 1}.jsonl`;

/** What a round of exploration found, and the sum of its file. */
export interface Exploration {
  readonly examples: readonly Example[];
  readonly sum: string;
}

/** Keeps what a round of exploration found. */
export function writeExploration(folder: string, round: number, examples: readonly Example[]): Exploration {
  const text = examples.map((example) => `${JSON.stringify(example)}\n`).join('');
  replaceFile(join(folder, explorationName(round)), text);
  return { examples, sum: sumOf(text) };
}

/**
 * What a run's rounds found, up to the first that has not been explored.
 * @throws CorruptDataError where the file of a round that the policy has learned from is gone or another, or a line is no example
 */
export function readExplorations(
  folder: string,
  settings: TrainingSettings,
  saved: SavedPolicy | undefined,
): readonly Exploration[] {
  const found: Exploration[] = [];
  for (let round = 0; !settings.plansOnly && round < settings.rounds; round++) {
    const path = join(folder, explorationName(round));
    const sum = saved?.explorations[round];
    if (!existsSync(path)) {
      if (sum === undefined && (saved?.updates ?? 0) <= roundStart(settings, round)) break;
      throw new CorruptDataError(
        `${path}, from which the policy has learned, is gone; put it back, or start a new run`,
      );
    }
    const bytes = readBytes(path);
    if (sum !== undefined && sum !== sumOf(bytes)) {
      throw new CorruptDataError(
        `${path} has changed since the policy learned from it; put it back, or start a new run`,
      );
    }
    found.push({ examples: examplesOf(bytes, path), sum: sumOf(bytes) });
  }
  return found;
}

function examplesOf(bytes: Uint8Array, path: string): readonly Example[] {
  const lines = new TextDecoder().decode(bytes).split('\n').filter(Boolean);
  return lines.map((line, index) => {
    try {
      const example: unknown = JSON.parse(line);
      if (isExample(example)) return example;
    } catch {
      // Told below.
    }
    throw new CorruptDataError(`${path}, line ${index + 1}, is no example: ${line.slice(0, 80)}`);
  });
}

function isExample(value: unknown): value is Example {
  const { role, question, answer } = value as Partial<Example>;
  const isText = (one: unknown): boolean => typeof one === 'string';
  const areTexts = (all: unknown): boolean => Array.isArray(all) && all.every(isText);
  const { instruction, observation, history, action, feedback } = question as Partial<Correction>;
  return (
    EXAMPLE_ROLES.includes(role as Example['role']) &&
    [instruction, answer].every(isText) &&
    [observation, history].every(areTexts) &&
    (role === 'plan' || isText(action)) &&
    (role !== 'correct' || isText(feedback))
  );
}
