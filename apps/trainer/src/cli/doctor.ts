// `moe-rl doctor`: what this machine has, which tensor backend is used and why not the others, which ROMs are there.
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { availableParallelism, totalmem } from 'node:os';
import { hasFfmpeg } from '@moe-rl/figures';
import { explainPlugins } from '@moe-rl/pjrt';
import { table } from '@moe-rl/runs';
import { cacheDirectory, explainBackends } from '@moe-rl/tfjs-native';
import { findGames } from '@moe-rl/training';
import { print, programName } from './terminal.ts';

export async function doctor(): Promise<void> {
  print(table(['machine', ''], machineRows()));
  print('\nTensor backends (in the order that --backend auto tries them):');
  const backends = explainBackends().map(({ name, source, state, reason }) => [name, state, source, reason]);
  print(table(['backend', 'state', 'source', 'why'], backends));
  print('\nPJRT plugins (XLA; --backend pjrt-cpu, pjrt-cuda or pjrt-rocm):');
  print(
    table(
      ['plugin', 'state', 'why'],
      explainPlugins().map(({ name, state, reason }) => [name, state, reason]),
    ),
  );
  const { playable, missing } = findGames();
  print(
    `\nGames: ${playable.length} ready to play${missing.length === 0 ? '' : `, ${missing.length} known games without a ROM`}`,
  );
  if (missing.length > 0)
    print(
      `  ${programName()} roms          shows them and where they were looked for\n  ${programName()} roms --fetch  gets them from the ale-py wheel`,
    );
}

function machineRows(): string[][] {
  const cache = cacheDirectory();
  return [
    ['Node.js', `${process.versions.node} (${process.platform} ${process.arch})`],
    ['processors', String(availableParallelism())],
    ['memory', `${(totalmem() / 1e9).toFixed(1)} GB`],
    ['NVIDIA GPU', firstLine('nvidia-smi', ['--query-gpu=name,memory.total', '--format=csv,noheader']) ?? 'none found'],
    ['Python', firstLine('python3', ['--version']) ?? firstLine('python', ['--version']) ?? 'none found'],
    ['pip', firstLine('python3', ['-m', 'pip', '--version'])?.replace(/ from .*/, '') ?? 'none found'],
    ['uv', firstLine('uv', ['--version']) ?? 'none found'],
    ['C++ compiler', firstLine('c++', ['--version']) ?? firstLine('clang++', ['--version']) ?? 'none found'],
    ['ffmpeg', hasFfmpeg() ? 'found (videos as MP4 too)' : 'none found (videos as GIF only)'],
    ['cache folder', `${cache}${existsSync(cache) ? '' : ' (not made yet)'}`],
  ];
}

function firstLine(program: string, args: readonly string[]): string | undefined {
  const { status, stdout } = spawnSync(program, args, { encoding: 'utf8', timeout: 10_000 });
  return status === 0 ? stdout.split('\n')[0]!.trim() : undefined;
}
