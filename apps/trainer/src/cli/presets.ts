// `moe-rl presets`: the agents that can be trained, and every setting of one of them.
import { describeAgentConfig, getPreset, listPresets } from '@moe-rl/agents';
import { table } from '@moe-rl/runs';
import { print } from './terminal.ts';

export function presets(name: string | undefined): void {
  if (name === undefined) {
    print(
      table(
        ['preset', 'what it is'],
        listPresets().map((preset) => [preset.name, preset.description]),
      ),
    );
    return;
  }
  const config = getPreset(name) as unknown as Record<string, unknown>;
  const rows = describeAgentConfig().map(({ path, doc, choices }) => {
    const value = path.split('.').reduce<unknown>((node, key) => (node as Record<string, unknown>)[key], config);
    return [path, JSON.stringify(value), choices === undefined ? doc : `${doc} (${choices.join(', ')})`];
  });
  print(table(['setting (--set path=value)', 'value', 'meaning'], rows));
}
