// The programs we measure against live in Python virtual environments in the user's cache, made on demand after saying how large they are.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';

/** Versions are pinned, all of them, so that a ratio means the same thing next month. `requires`: pip requirements. */
export const PEERS = {
  ale: {
    size: '0.4 GB',
    requires: ['ale-py==0.12.1', 'gymnasium==1.4.0', 'opencv-python-headless==5.0.0.93', 'numpy==2.4.6'],
  },
  jax: { size: '1 GB', requires: ['jax==0.10.2', 'optax==0.2.8', 'numpy==2.4.6'] },
  // The same JAX on an NVIDIA GPU, by its driver; gpu.mjs alone.
  'jax-cuda12': { size: '6 GB', requires: ['jax[cuda12]==0.10.2', 'numpy==2.4.6'] },
  'jax-cuda13': { size: '5 GB', requires: ['jax[cuda13]==0.10.2', 'numpy==2.4.6'] },
  tf: { size: '1.7 GB', requires: ['tensorflow-cpu==2.21.0', 'numpy==2.4.6'] },
  torch: { size: '5.4 GB', requires: ['torch==2.15.0', 'numpy==2.4.6'] },
  dopamine: {
    size: '3 GB',
    requires:
      'dopamine-rl==4.1.2 jax==0.4.30 jaxlib==0.4.30 flax==0.8.5 optax==0.2.3 chex==0.1.86 orbax-checkpoint==0.5.23 tensorflow-probability==0.24.0 numpy==1.26.4 opencv-python==4.10.0.84 ale-py==0.12.1'.split(
        ' ',
      ),
  },
};

/**
 * @param {readonly string[]} wanted names of peers the caller asked for
 * @returns `has(name)`: the peer is wanted and its environment can be made here; `python(name)`: path of its interpreter, made on first use (`isWanted`: by another
 *   name).
 */
export function createPeers(wanted) {
  const made = new Map();
  const python = (name, isWanted = wanted.includes(name)) => {
    if (!isWanted) return undefined;
    if (!made.has(name)) made.set(name, provide(name));
    return made.get(name);
  };
  return { wanted: (name) => wanted.includes(name), has: (name) => python(name) !== undefined, python };
}

function cacheFolder() {
  return process.env.MOE_RL_CACHE ?? join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'moe-rl');
}

function provide(name) {
  const peer = PEERS[name];
  const folder = join(cacheFolder(), 'peers', name);
  const interpreter = join(folder, process.platform === 'win32' ? 'Scripts/python.exe' : 'bin/python');
  // Made for other versions: made anew.
  const complete = join(folder, 'complete');
  if (existsSync(complete) && readFileSync(complete, 'utf8') === peer.requires.join('\n')) return interpreter;
  const system = ['python3', 'python'].find(
    (program) => spawnSync(program, ['-c', 'import venv, ensurepip']).status === 0,
  );
  if (system === undefined) {
    process.stdout.write(`peer ${name}: left out, no Python with venv was found\n`);
    return undefined;
  }
  process.stdout.write(
    `peer ${name}: installing ${peer.requires.join(', ')} (about ${peer.size}, once) below the cache folder\n`,
  );
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(join(folder, '..'), { recursive: true });
  const steps = [
    [system, ['-m', 'venv', folder]],
    [interpreter, ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', ...peer.requires]],
  ];
  for (const [program, args] of steps) {
    const result = spawnSync(program, args, { stdio: ['ignore', 'inherit', 'inherit'] });
    if (result.status !== 0) {
      process.stdout.write(`peer ${name}: left out, its installation failed\n`);
      renameSync(folder, `${folder}.failed-${process.pid}`);
      rmSync(`${folder}.failed-${process.pid}`, { recursive: true, force: true });
      return undefined;
    }
  }
  writeFileSync(complete, peer.requires.join('\n'));
  return interpreter;
}
