// `moe-rl doctor`: what this machine has, which tensor backend is used and why not the others, which ROMs are there.
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { availableParallelism, totalmem } from 'node:os';
import { InvalidArgumentError } from '@moe-rl/core';
import { hasFfmpeg } from '@moe-rl/figures';
import { explainPlugins } from '@moe-rl/pjrt';
import { duration, parseSetOption, table } from '@moe-rl/runs';
import { cacheDirectory } from '@moe-rl/tfjs-native';
import {
  agentConfigOf,
  backendsHere,
  explainChoice,
  explainTrainingBackends,
  fastestFirst,
  findGames,
  makeEnvironment,
  measureHere,
  newRunConfig,
  registry,
  secondsOf,
  workOf,
} from '@moe-rl/training';
import { note, print, programName } from './terminal.ts';

interface DoctorOptions {
  readonly measure?: boolean;
  readonly game?: string;
  readonly preset?: string;
  readonly threads?: number;
  readonly set: readonly string[];
}

export async function doctor(options: DoctorOptions): Promise<void> {
  if (options.measure) return measure(options);
  const { measure: _, ...others } = options;
  const idle = Object.entries(others).find(([, value]) =>
    Array.isArray(value) ? value.length > 0 : value !== undefined,
  );
  if (idle !== undefined && ['game', 'preset', 'threads', 'set'].includes(idle[0])) {
    throw new InvalidArgumentError(`--${idle[0]} says what is measured; expected --measure too`);
  }
  print(table(['machine', ''], machineRows()));
  print(
    '\nTensor backends (--backend auto tries them in this order where nothing was measured, but for webgpu, which has to be named):',
  );
  const backends = explainTrainingBackends().map(({ name, source, state, reason }) => [name, state, source, reason]);
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

/** Measures an agent's steps on what is here, prints the table and keeps it for `--backend auto`. */
async function measure({ game, preset, threads, set }: DoctorOptions): Promise<void> {
  const config = newRunConfig({ options: { game, preset, threads }, set: set.map(parseSetOption) });
  if (registry.presets.get(config.preset).agent !== 'value') {
    throw new InvalidArgumentError(`the agents of the preset ${config.preset} compute without a tensor backend`);
  }
  const environment = makeEnvironment(config);
  const { observationSpec, actionCount } = environment;
  environment.close?.();
  const agentConfig = agentConfigOf(config);
  note(
    `${config.preset} on ${config.game}, batch ${agentConfig.agent.batchSize}: ${backendsHere().length} backends are here`,
  );
  const agent = { config: agentConfig, observationSpec, actionCount, threads: config.threads };
  const measured = await measureHere(agent, note, ({ backend, reason }) => note(`${backend}: ${reason ?? 'measured'}`));
  const work = workOf(agentConfig, config);
  const ms = (value: number | undefined): string => (value === undefined ? '-' : value.toPrecision(3));
  const rows = fastestFirst(measured, work).map((one) => [
    one.backend,
    ms(one.learn?.ms),
    ms(one.act?.ms),
    one.reason === undefined ? ((one.learn!.firstMs + one.act!.firstMs) / 1000).toFixed(1) : '-',
    one.reason === undefined ? duration(secondsOf(one, work)) : '-',
    one.reason ?? one.version,
  ]);
  const steps = `${config.trainingAgentSteps.toLocaleString('en-US')} agent steps`;
  print(table(['backend', 'learn, ms', 'act, ms', 'first calls, s', steps, ''], rows));
  print(`\n--backend auto: ${explainChoice(measured, work)}`);
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
