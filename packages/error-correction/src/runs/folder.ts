// A run's folder: settings.json, policy.safetensors (all variables and how many updates they have seen, replaced in one step), exploration-<round>.jsonl,
// cost.json.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import {
  CorruptDataError,
  decodeSafetensors,
  encodeSafetensors,
  InvalidArgumentError,
  type NamedTensors,
  NotFoundError,
} from '@moe-rl/core';
import { makeFolder, readBytes, readJson, replaceFile } from '@moe-rl/core/node';
import type { Example } from '../learning/examples.ts';
import { createPolicy, type Policy } from '../policy/policy.ts';
import { requireSettings, type TrainingSettings } from './settings.ts';

const POLICY = 'policy.safetensors';
const SETTINGS = 'settings.json';

/**
 * Writes a new folder's settings, or checks that an old one has the same.
 * @throws InvalidArgumentError naming the settings that differ
 */
export function claimFolder(folder: string, settings: TrainingSettings): void {
  makeFolder(folder);
  const path = join(folder, SETTINGS);
  if (!existsSync(path)) {
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

/** @throws NotFoundError when the folder holds no run, CorruptDataError when its settings are none */
export function readSettings(folder: string): TrainingSettings {
  const path = join(folder, SETTINGS);
  if (!existsSync(path)) {
    throw new NotFoundError(`${folder} holds no run (no ${SETTINGS}); expected the folder of a training run`);
  }
  const found = readJson(path);
  if (typeof found !== 'object' || found === null || Array.isArray(found)) {
    throw new CorruptDataError(`${path} holds no settings; expected an object`);
  }
  return requireSettings(found as Partial<TrainingSettings>);
}

/** Saves a policy and the updates that it has seen. */
export async function savePolicy(folder: string, policy: Policy, updates: number): Promise<void> {
  replaceFile(join(folder, POLICY), encodeSafetensors(await policy.getState(), { updates: String(updates) }));
}

const COST = 'cost.json';

/** Processor seconds of the training so far, over all starts; 0 where nothing was saved. */
export function savedCost(folder: string): number {
  const path = join(folder, COST);
  if (!existsSync(path)) return 0;
  const { processorSeconds } = readJson(path) as { readonly processorSeconds?: unknown };
  if (typeof processorSeconds === 'number') return processorSeconds;
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
}

/** What was saved last; undefined: nothing yet. @throws CorruptDataError */
export function readPolicy(folder: string): SavedPolicy | undefined {
  const path = join(folder, POLICY);
  if (!existsSync(path)) return undefined;
  const { tensors, metadata } = decodeSafetensors(readBytes(path));
  const updates = Number(metadata['updates']);
  if (!Number.isInteger(updates) || updates < 0) {
    throw new CorruptDataError(`${path} says that it has ${metadata['updates']} updates; expected a number`);
  }
  return { tensors, updates };
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

const explorationFile = (folder: string, round: number): string => join(folder, `exploration-${round + 1}.jsonl`);

/** Keeps what a round of exploration found. */
export function writeExploration(folder: string, round: number, examples: readonly Example[]): void {
  replaceFile(explorationFile(folder, round), examples.map((example) => `${JSON.stringify(example)}\n`).join(''));
}

/** What a round found; undefined: it has not been explored. @throws CorruptDataError naming a line that is no example */
export function readExploration(folder: string, round: number): readonly Example[] | undefined {
  const path = explorationFile(folder, round);
  if (!existsSync(path)) return undefined;
  const lines = new TextDecoder().decode(readBytes(path)).split('\n').filter(Boolean);
  return lines.map((line, index) => {
    try {
      const example = JSON.parse(line) as Example;
      if (typeof example.answer === 'string' && Array.isArray(example.question.observation)) return example;
    } catch {
      // Told below.
    }
    throw new CorruptDataError(`${path}, line ${index + 1}, is no example: ${line.slice(0, 80)}`);
  });
}
