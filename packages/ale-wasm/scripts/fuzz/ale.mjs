// ALE itself, in one long-lived Python process that plays every case in a process of its own: found in a cache folder, or brought there by pip.
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { romCacheFolder } from '../roms.mjs';

const REQUIREMENT = 'ale-py==0.12.1';
const PROGRAM = fileURLToPath(new URL('ale_side.py', import.meta.url));
const PATIENCE_MS = 60_000;

/** Python with ale-py: `MOE_RL_ALE_PYTHON`, or a virtual environment in the cache, made when it is not there. */
export function alePython(log) {
  const given = process.env.MOE_RL_ALE_PYTHON;
  if (given) return given;
  const folder = join(romCacheFolder(), '..', 'ale-py-0.12.1');
  const python = join(folder, 'bin', 'python');
  const works = () => existsSync(python) && spawnSync(python, ['-c', 'import ale_py']).status === 0;
  if (works()) return python;
  log(`installing ${REQUIREMENT} into ${folder}`);
  mkdirSync(folder, { recursive: true });
  const steps = [
    ['python3', ['-m', 'venv', '--clear', folder]],
    [python, ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', '--only-binary', ':all:', REQUIREMENT]],
  ];
  for (const [program, args] of steps) {
    const { status, stderr, error } = spawnSync(program, args, { encoding: 'utf8' });
    if (status !== 0)
      throw new Error(
        `the fuzz compares with ale-py, which needs Python 3 with venv and pip: ${program} ${args.slice(0, 2).join(' ')} failed: ${error?.message ?? stderr.trim().split('\n').at(-1)}`,
      );
  }
  if (!works()) throw new Error(`${REQUIREMENT} was installed into ${folder}, but does not import`);
  return python;
}

/** Those that run: their folders and processes don't outlive ours, however it ends. */
const running = new Set();
const closeAll = () => {
  for (const ale of running) ale.close();
};
process.on('exit', closeAll);
for (const [signal, number] of [
  ['SIGHUP', 1],
  ['SIGINT', 2],
  ['SIGTERM', 15],
])
  process.on(signal, () => process.exit(128 + number));

export class AleProcess {
  #python;
  #child;
  #lines;
  #folder;

  constructor(python) {
    this.#python = python;
  }
  async #start() {
    this.#folder = mkdtempSync(join(tmpdir(), 'fuzz-ale-'));
    running.add(this);
    // A group of its own, to be ended as a whole.
    this.#child = spawn(this.#python, [PROGRAM, this.#folder], { stdio: ['pipe', 'pipe', 'ignore'], detached: true });
    this.#lines = createInterface({ input: this.#child.stdout })[Symbol.asyncIterator]();
    const { done } = await this.#lines.next();
    if (done) throw new Error(`${this.#python} ${PROGRAM} ends at once: is ale-py there?`);
  }
  /** Its rows, `{ error }` where ALE refuses, or `{ lost }` where it hangs (a mode procedure can) or crashes. */
  async play({ game, rom, kind, randomSeed, frameSkip, repeat, maxFrames, averaged = false, operations }, dump = -1) {
    // What ALE makes of a CV cartridge depends on what its process has done before, and the process often crashes after it: it gets a fresh one.
    const isFresh = kind.startsWith('program CV');
    if (isFresh) this.close();
    if (this.#child === undefined) await this.#start();
    const request = {
      game,
      rom: Buffer.from(rom).toString('base64'),
      seed: randomSeed,
      frameSkip,
      repeat,
      maxFrames,
      averaged,
      operations,
      dump,
      kind,
    };
    this.#child.stdin.write(`${JSON.stringify(request)}\n`);
    let timer;
    const timeout = new Promise((resolve) => {
      timer = setTimeout(resolve, PATIENCE_MS, { lost: 'no answer' });
    });
    const answer = await Promise.race([this.#lines.next(), timeout]);
    clearTimeout(timer);
    if (answer.lost || answer.done) {
      this.close();
      return { lost: answer.lost ?? 'it crashed' };
    }
    if (isFresh) this.close();
    return JSON.parse(answer.value);
  }
  close() {
    if (this.#child === undefined) return;
    try {
      process.kill(-this.#child.pid, 'SIGKILL');
    } catch {
      // It has ended already.
    }
    this.#child = undefined;
    rmSync(this.#folder, { recursive: true, force: true });
    running.delete(this);
  }
}
