// Gets the ROMs that the ale-py wheel ships (Farama, with the permission it has), through the user's own pip or uv.
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { MissingDependencyError, StorageError } from '@moe-rl/core';
import { run } from './processes.ts';
import { romCacheFolder } from './rom-library.ts';

/** The release whose ROMs the games table was made from. */
const ALE_PY_REQUIREMENT = 'ale-py==0.12.1';

interface Installer {
  readonly name: string;
  readonly program: string;
  /** Installs the wheel, without its dependencies, into a folder. */
  readonly args: (target: string) => readonly string[];
}

const INSTALLERS: readonly Installer[] = [
  { name: 'uv', program: 'uv', args: (target) => ['pip', 'install', '--quiet', '--no-deps', '--target', target] },
  ...['python3', 'python'].map((program) => ({
    name: `pip of ${program}`,
    program,
    args: (target: string) => [
      '-m',
      'pip',
      'install',
      '--quiet',
      '--disable-pip-version-check',
      '--no-deps',
      '--target',
      target,
    ],
  })),
];

/**
 * Fetches the ale-py wheel (about 10 MB) and keeps its ROMs in the cache. Returns the folder. Does nothing when the cache is filled already.
 * @throws MissingDependencyError when neither pip nor uv can get it, with the reason of each; StorageError when the cache can't be written
 */
export function fetchRoms(onProgress: (line: string) => void = () => {}): string {
  const target = romCacheFolder();
  if (existsSync(target) && readdirSync(target).some((name) => name.endsWith('.bin'))) return target;
  const staging = `${target}.partial-${process.pid}`;
  const reasons: string[] = [];
  try {
    mkdirSync(dirname(target), { recursive: true });
    for (const { name, program, args } of INSTALLERS) {
      if (run(program, ['--version']).status !== 0) {
        reasons.push(`${name}: not found`);
        continue;
      }
      rmSync(staging, { recursive: true, force: true });
      onProgress(`fetching the ${ALE_PY_REQUIREMENT} wheel through ${name} (about 10 MB)`);
      const { status, complaint } = run(program, [...args(staging), ALE_PY_REQUIREMENT], 600_000);
      const roms = join(staging, 'ale_py', 'roms');
      if (status === 0 && existsSync(roms)) {
        rmSync(target, { recursive: true, force: true });
        renameSync(roms, target);
        return target;
      }
      reasons.push(`${name}: ${complaint || 'the wheel holds no ROMs'}`);
    }
  } catch (cause) {
    throw new StorageError(`cannot put ROMs into ${target}: ${(cause as Error).message}`, { cause });
  } finally {
    rmSync(staging, { recursive: true, force: true });
  }
  throw new MissingDependencyError(
    `the ROMs could not be fetched, because they come in the ale-py wheel, which needs pip or uv:\n  ${reasons.join('\n  ')}\nInstall one of them, or put ROM files into a folder and name it with --folder or MOE_RL_ROMS`,
  );
}
