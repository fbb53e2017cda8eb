// Finds what an installation needs beside pip or uv: npm, a C++ compiler; and looks for an NVIDIA GPU.

import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { type Command, tryRun } from '@moe-rl/core/node';

/** `$CXX`, c++, g++ or clang++, whichever is found first. */
export function findCompiler(environment: NodeJS.ProcessEnv = process.env): Command | undefined {
  const [program, ...leading] = environment.CXX?.split(' ').filter(Boolean) ?? [];
  const candidates: Command[] = [...(program ? [[program, ...leading] as Command] : []), ['c++'], ['g++'], ['clang++']];
  return candidates.find((command) => tryRun(command, ['--version']).ok);
}

/** npm: the one on the path, or the one beside the running Node. */
export function findNpm(): Command | undefined {
  const besideNode = join(dirname(process.execPath), '..', 'lib', 'node_modules', 'npm', 'bin', 'npm-cli.js');
  const candidates: Command[] = [
    ...(process.env.npm_execpath?.endsWith('npm-cli.js')
      ? [[process.execPath, process.env.npm_execpath] as Command]
      : []),
    ['npm'],
    ...(existsSync(besideNode) ? [[process.execPath, besideNode] as Command] : []),
  ];
  return candidates.find((command) => tryRun(command, ['--version']).ok);
}

/** True when the NVIDIA driver shows a GPU. */
export function hasNvidiaGpu(): boolean {
  if (existsSync('/dev/nvidia0')) return true;
  const { ok, output } = tryRun(['nvidia-smi'], ['-L']);
  return ok && output.includes('GPU');
}
