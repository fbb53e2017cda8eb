// Gets files that other projects publish in Python wheels (TensorFlow's library, ALE's ROMs) through the user's own pip or uv. Each wheel is named by its file
// and its SHA-256 sum: no other is ever unpacked, and nothing of a wheel is run. To pin another version, let pip say the sums of its files:
//   pip install --dry-run --no-deps --ignore-installed --only-binary=:all: --target x --platform TAG --python-version 3.12 --report - NAME==VERSION

import { createHash } from 'node:crypto';
import { createReadStream, existsSync } from 'node:fs';
import { mkdir, readdir, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { CorruptDataError, MissingDependencyError } from '../errors.ts';
import { folderBytes } from './atomic-folders.ts';
import { storageError } from './durable-files.ts';
import { type Command, runProgram, tryRun } from './programs.ts';

/** One published file. */
export interface PinnedWheel {
  /** The Python package: `tensorflow-cpu`. */
  readonly name: string;
  readonly version: string;
  /** `tensorflow_cpu-2.21.0-cp312-cp312-manylinux_2_27_x86_64.whl`; says for which Python and platform it is asked. */
  readonly fileName: string;
  readonly sha256: string;
  /** About how long it is, for progress. */
  readonly bytes?: number;
}

/** How Python wheels can be fetched here. */
export interface WheelTool {
  readonly kind: 'pip' | 'uv';
  /** What runs pip. */
  readonly pip: Command;
}

/** The pip that uv is asked for: uv itself can't download without installing. */
const PIP_FOR_UV = 'pip==25.3';

/** pip (through any Python on the path) or uv, whichever is found first; undefined when there is neither. */
export function findWheelTool(environment: NodeJS.ProcessEnv = process.env): WheelTool | undefined {
  const pips: Command[] = [
    ...(environment.PYTHON ? [[environment.PYTHON, '-m', 'pip'] as Command] : []),
    ['python3', '-m', 'pip'],
    ['python', '-m', 'pip'],
    ['pip3'],
    ['pip'],
  ];
  for (const pip of pips) if (tryRun(pip, ['--version']).ok) return { kind: 'pip', pip };
  if (!tryRun(['uv', '--version']).ok) return undefined;
  return { kind: 'uv', pip: ['uv', 'tool', 'run', '--no-build', '--from', PIP_FOR_UV, 'pip'] };
}

export interface FetchWheelOptions {
  /** Default: what {@link findWheelTool} finds. */
  readonly tool?: WheelTool;
  /** Called with a line fit for showing, and the bytes that have come so far. */
  readonly onProgress?: (message: string, doneBytes: number) => void;
}

/**
 * Makes sure that the wheel lies in `folder`, with the right SHA-256 sum, and returns its path. One that is there already is used if it is the right one.
 * @throws MissingDependencyError when there is no pip or uv, or the download fails; CorruptDataError when another file came; StorageError when it can't be
 *   written.
 */
export async function fetchWheel(
  wheel: PinnedWheel,
  folder: string,
  { tool, onProgress = () => {} }: FetchWheelOptions = {},
): Promise<string> {
  const path = join(folder, wheel.fileName);
  const what = `${wheel.name} ${wheel.version}`;
  if (existsSync(path)) {
    const fault = await faultOf(wheel, path);
    if (fault === undefined) return path;
    onProgress(`Downloading ${what} anew: ${fault}`, 0);
    await rm(path, { force: true });
  }
  const found = tool ?? findWheelTool();
  if (found === undefined) {
    throw new MissingDependencyError('neither pip nor uv was found: install Python 3 with pip, or uv');
  }
  const partial = join(folder, `${wheel.fileName}.partial-${process.pid}`);
  try {
    await rm(partial, { recursive: true, force: true });
    await mkdir(join(partial, 'temporary'), { recursive: true });
    await download(wheel, found, partial, onProgress);
    await rm(join(partial, 'temporary'), { recursive: true, force: true });
    const came = (await readdir(partial)).filter((name) => name.endsWith('.whl'));
    if (came.length !== 1 || came[0] !== wheel.fileName) {
      throw new CorruptDataError(
        `downloading ${what} brought ${came.join(', ') || 'no wheel'}; expected ${wheel.fileName}`,
      );
    }
    const fault = await faultOf(wheel, join(partial, wheel.fileName));
    if (fault !== undefined) throw new CorruptDataError(fault);
    await rename(join(partial, wheel.fileName), path);
  } catch (error) {
    throw 'syscall' in (error as object) ? storageError('write', folder, error) : error;
  } finally {
    await rm(partial, { recursive: true, force: true }).catch(() => {});
  }
  return path;
}

async function download(
  wheel: PinnedWheel,
  { kind, pip }: WheelTool,
  folder: string,
  onProgress: NonNullable<FetchWheelOptions['onProgress']>,
): Promise<void> {
  const { name, version, sha256, bytes: expectedBytes } = wheel;
  const requirement = `${name}==${version}`;
  const requirements = join(folder, 'requirements.txt');
  await writeFile(requirements, `${requirement} --hash=sha256:${sha256}\n`);
  let told = -1;
  const tell = (seenBytes: number) => {
    // While pip moves the finished file, both copies are seen.
    const doneBytes = Math.min(seenBytes, expectedBytes ?? seenBytes);
    if (doneBytes === told) return;
    told = doneBytes;
    const of = expectedBytes === undefined ? '' : ` of about ${megabytes(expectedBytes)}`;
    onProgress(`Downloading ${requirement}: ${megabytes(doneBytes)}${of}`, doneBytes);
  };
  tell(0);
  // pip's own progress needs a terminal and differs between versions: the growing file tells the same.
  const watch = setInterval(() => void folderBytes(folder).then(tell, () => {}), 1_000);
  try {
    await runProgram(
      pip,
      [
        'download',
        '--no-deps',
        '--no-cache-dir',
        '--only-binary=:all:',
        '--require-hashes',
        '--progress-bar=off',
        '--dest',
        folder,
        ...platformArguments(wheel),
        '--requirement',
        requirements,
      ],
      {
        what: `downloading ${requirement}`,
        folder,
        environment: { TMPDIR: join(folder, 'temporary'), PIP_DISABLE_PIP_VERSION_CHECK: '1' },
      },
    );
  } catch (error) {
    const { message } = error as Error;
    if (/DO NOT MATCH THE HASHES|hash mismatch/i.test(message)) {
      throw new CorruptDataError(
        `downloading ${requirement}: what came is not the published file ${wheel.fileName} (SHA-256 ${sha256})`,
        { cause: error },
      );
    }
    throw new MissingDependencyError(
      `${requirement} could not be downloaded: ${reasonOf(message)}. Check the network and ${kind}'s settings, then start again`,
      { cause: error },
    );
  } finally {
    clearInterval(watch);
  }
}

/** The Python and platform in a wheel's file name, `name-version-python-abi-platform.whl`, as pip's arguments: what is fetched doesn't depend on this machine's. */
function platformArguments({ fileName }: PinnedWheel): string[] {
  const [python = '', , platforms = ''] = fileName
    .replace(/\.whl$/, '')
    .split('-')
    .slice(-3);
  const version = /^cp3(\d+)$/.exec(python)?.[1] ?? '12';
  return [
    '--implementation',
    'cp',
    '--python-version',
    `3.${version}`,
    ...platforms.split('.').flatMap((platform) => ['--platform', platform]),
  ];
}

/** Why a file is not the pinned one; undefined when it is. */
async function faultOf({ fileName, sha256 }: PinnedWheel, path: string): Promise<string | undefined> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(path, { highWaterMark: 1 << 20 })) hash.update(chunk as Buffer);
  const actual = hash.digest('hex');
  if (actual === sha256) return undefined;
  const { size } = await stat(path);
  return `${path} (${size} bytes) is not the whole published file ${fileName}: its SHA-256 sum is ${actual}; expected ${sha256}`;
}

/** Why a tool failed, out of the end of its output: pip's last line; the nearest and the deepest of the causes that uv lists. */
export function reasonOf(output: string): string {
  const lines = output.split('\n').map((line) => line.trim());
  const causes = lines.flatMap((line) => /^(?:cause|caused by): (.*)/i.exec(line)?.[1] ?? []);
  const error = lines.findLast((line) => line.startsWith('ERROR: ')) ?? lines.at(-1);
  const reasons = causes.length > 0 ? new Set([causes[0], causes.at(-1)]) : [error?.replace(/^ERROR: /, '')];
  return [...reasons].join('; ');
}

function megabytes(bytes: number): string {
  return `${Math.round(bytes / 1e6)} MB`;
}
