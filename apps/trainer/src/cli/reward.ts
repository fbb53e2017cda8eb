// `moe-rl reward describe` and `reward check`, and what all reward commands share: the game, its description, the model, showing programs.
import { existsSync } from 'node:fs';
import { type Environment, InvalidArgumentError, NotFoundError } from '@moe-rl/core';
import { readBytes, readJson } from '@moe-rl/core/node';
import {
  checkDescription,
  checkProgram,
  classText,
  describeCheck,
  type EnvironmentDescription,
  findDescription,
  type LanguageModel,
  recordedReplies,
} from '@moe-rl/text2reward';
import { makeEnvironment, newRunConfig } from '@moe-rl/training';
import { note, print, programName, quoted } from './terminal.ts';

export interface RewardGameOptions {
  readonly game: string;
  readonly rom?: string;
  readonly description?: string;
}

export interface RewardModelOptions {
  readonly server?: string;
  readonly model?: string;
  readonly apiKeyVariable?: string;
  readonly stream?: boolean;
  readonly timeout: number;
  readonly temperature?: number;
  readonly retries: number;
  readonly replies?: string;
  readonly checkSteps: number;
}

export async function rewardDescribe(options: RewardGameOptions): Promise<void> {
  const { environment, description } = openGame(options);
  environment.close?.();
  print(`${description.title} (${description.id})\n${description.rules}\n\n${classText(description)}`);
  for (const line of description.knowledge ?? []) print(`\n${line}`);
}

export async function rewardCheck(
  file: string,
  options: RewardGameOptions & { readonly agentSteps: number; readonly seed: number },
): Promise<void> {
  if (!existsSync(file)) throw new NotFoundError(`there is no reward program ${file}`);
  const source = new TextDecoder().decode(readBytes(file));
  const { environment, description } = openGame(options);
  try {
    showProgram(file, source);
    const { agentSteps, seed } = options;
    const report = await checkProgram({ source, name: file, description, environment, agentSteps, seed });
    print(describeCheck(report));
  } finally {
    environment.close?.();
  }
}

/**
 * The environment of a game and its description.
 * @throws NotFoundError for an unknown game, one without a ROM, or one that is not described; InvalidArgumentError for a file that is no description
 */
export function openGame({ game, rom, description }: RewardGameOptions): {
  readonly environment: Environment;
  readonly description: EnvironmentDescription;
} {
  const own = description === undefined ? undefined : (readJson(description) as EnvironmentDescription);
  if (own !== undefined) checkDescription(own, `--description ${description}`);
  const config = newRunConfig({ options: { game, ...(rom === undefined ? {} : { 'environment.rom': rom }) } });
  const environment = makeEnvironment(config);
  try {
    return { environment, description: own ?? findDescription(environment.id) };
  } catch (error) {
    environment.close?.();
    throw error;
  }
}

/** The model that the options name. @throws InvalidArgumentError, naming the option */
export async function openModel(options: RewardModelOptions): Promise<LanguageModel> {
  const { server, model, apiKeyVariable, replies, stream, timeout } = options;
  if (replies !== undefined) {
    if (server !== undefined || model !== undefined) {
      throw new InvalidArgumentError('--replies stands for a server: leave out --server and --model, or --replies');
    }
    if (apiKeyVariable !== undefined || stream === true) {
      throw new InvalidArgumentError(
        `${stream === true ? '--stream' : '--api-key-variable'} is for a server; with --replies, leave it out`,
      );
    }
    const recorded = readJson(replies);
    if (!Array.isArray(recorded) || !recorded.every((one) => typeof one === 'string')) {
      throw new InvalidArgumentError(`--replies ${replies}: expected a JSON list of texts`);
    }
    return recordedReplies(recorded, replies);
  }
  if (server === undefined || model === undefined) {
    throw new InvalidArgumentError(
      `${server === undefined ? '--server' : '--model'} is missing: name a server and its model (--server http://localhost:11434/v1 --model qwen3), or --replies FILE`,
    );
  }
  const apiKey = apiKeyVariable === undefined ? undefined : process.env[apiKeyVariable];
  if (apiKeyVariable !== undefined && (apiKey ?? '') === '') {
    throw new InvalidArgumentError(`--api-key-variable is ${apiKeyVariable}, but that environment variable is not set`);
  }
  const { serverModel } = await import('@moe-rl/text2reward/models');
  return serverModel({
    url: server,
    model,
    timeoutSeconds: timeout,
    isStreaming: stream === true,
    ...(apiKey === undefined ? {} : { apiKey }),
  });
}

/** The command line that trains with a program, with the game's own files that it was written for. */
export function trainCommand({ game, rom, description }: RewardGameOptions, program: string): string {
  const own = rom === undefined ? '' : ` --rom ${quoted(rom)}`;
  const described = description === undefined ? '' : ` --set ${quoted(`reward.description=${description}`)}`;
  return `${programName()} train --game ${quoted(game)}${own} --reward text2reward --set ${quoted(`reward.program=${program}`)}${described}`;
}

/** Shows a program, on standard error: it is about to run. */
export function showProgram(name: string, source: string): void {
  note(`--- ${name} ---\n${source.trimEnd()}\n---`);
}
