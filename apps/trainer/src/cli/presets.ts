// `moe-rl presets`: the agents that can be trained, and every setting of a run with one of them: exactly what `--set` takes.
import { InvalidArgumentError } from '@moe-rl/core';
import { describeRunConfig, ORIGINAL_REWARD, runConfigJsonSchema, table } from '@moe-rl/runs';
import { newRunConfig, registry } from '@moe-rl/training';
import { print } from './terminal.ts';

interface PresetsOptions {
  readonly game?: string;
  readonly jsonSchema?: boolean;
  readonly rewards?: boolean;
  readonly reward?: string;
}

export async function presets(name: string | undefined, options: PresetsOptions): Promise<void> {
  refuseIdle(name, options);
  if (options.rewards) {
    const rows = registry.rewards.names().map((design) => [design, registry.rewards.get(design).description]);
    print(table(['reward', 'what is learned from'], [[ORIGINAL_REWARD, "The environment's own reward"], ...rows]));
    return;
  }
  if (name === undefined && options.jsonSchema !== true) {
    const rows = registry.presets.names().map((preset) => [preset, registry.presets.get(preset).description]);
    print(table(['preset', 'what it is'], rows));
    return;
  }
  const config = newRunConfig({ options: { preset: name, game: options.game, 'reward.type': options.reward } });
  if (options.jsonSchema) {
    const head = {
      $schema: 'https://json-schema.org/draft/2020-12/schema',
      title: `moe-rl: ${config.game}, ${config.preset}`,
    };
    print(JSON.stringify(runConfigJsonSchema(config, registry, head), null, 2));
    return;
  }
  const rows = describeRunConfig(config, registry).map(({ path, value, doc, choices }) => [
    path,
    JSON.stringify(value),
    choices === undefined ? doc : `${doc} (${choices.join(', ')})`,
  ]);
  print(table(['setting (--set path=value)', 'value', 'meaning'], rows));
}

/** @throws InvalidArgumentError for what the list that is asked for would not read */
function refuseIdle(name: string | undefined, { game, reward, rewards, jsonSchema }: PresetsOptions): void {
  const given = Object.entries({ name, '--game': game, '--reward': reward, '--json-schema': jsonSchema });
  const names = given.filter(([, value]) => value !== undefined).map(([option]) => option);
  if (rewards && names.length > 0) {
    throw new InvalidArgumentError(`--rewards lists all designs of rewards; ${names.join(' and ')} would do nothing`);
  }
  const idle = names.filter((option) => option === '--game' || option === '--reward');
  if (name === undefined && jsonSchema !== true && idle.length > 0) {
    throw new InvalidArgumentError(
      `${idle.join(' and ')} would do nothing in the list of presets; expected a preset too, or --json-schema`,
    );
  }
}
