// MoE layers against PyTorch at its best: each of its ways to run beside ours, in turns, with as many threads.
import { spawn } from 'node:child_process';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const PROGRAM = join(dirname(fileURLToPath(import.meta.url)), '../peers/moe_torch.py');
/** Compiled or not, and two ways of waiting for other threads: one is better on a quiet machine, the other on a busy one. */
const MODES = [
  ['eager', false, undefined],
  ['torch.compile', true, undefined],
  ['eager, passive', false, 'PASSIVE'],
  ['torch.compile, passive', true, 'PASSIVE'],
];

/**
 * @param layers `{ name, peer, sizes, run }`: `peer` is the layer's name in moe_torch.py, `run(n)` does n times forward and backward and returns their ms
 * @returns rows `moe/<name>/torch`; the peer's time is that of its faster way
 */
export async function compareWithTorch(interpreter, layers, { log, rounds, steps, threads }) {
  const active = startPeer(interpreter, threads);
  const passive = startPeer(interpreter, threads, { OMP_WAIT_POLICY: 'PASSIVE' });
  const rows = [];
  try {
    for (const { name, peer, sizes, run } of layers) {
      const contenders = [{ label: 'ours', run: measured(run) }];
      for (const [mode, compile, policy] of MODES) {
        const torch = policy ? passive : active;
        const key = `${name}/${mode}`;
        const ready = await torch.ask({ prepare: peer, key, compile, sizes });
        if (ready.error) {
          log?.(`  ${name}: PyTorch ${mode} left out: ${ready.error.split('\n')[0]}`);
          continue;
        }
        if (rows.length === 0 && mode === 'eager') log?.(`PyTorch ${ready.torch}, ${ready.threads} thread(s) each`);
        contenders.push({ label: mode, run: (count) => torch.ask({ run: count, key }) });
      }
      const results = contenders.map(() => ({ times: [], cpu: [] }));
      for (let round = -2; round < rounds; round++) {
        for (const [index, contender] of contenders.entries()) {
          const { times, cpu, error } = await contender.run(steps);
          if (error) throw new Error(`PyTorch, ${name}: ${error}`);
          if (round < 0) continue;
          results[index].times.push(...times);
          results[index].cpu.push(...cpu);
        }
      }
      const medians = results.map(({ times }) => median(times));
      const best = 1 + medians.slice(1).indexOf(Math.min(...medians.slice(1)));
      log?.(
        `  ${name} (${Object.entries(sizes)
          .map(([key, value]) => `${key}=${value}`)
          .join(' ')}): ${contenders
          .map(
            ({ label }, index) =>
              `${label} ${medians[index].toFixed(2)} (processor ${median(results[index].cpu).toFixed(2)})`,
          )
          .join(', ')} ms`,
      );
      rows.push({
        name: `moe/${name}/torch`,
        ours: medians[0],
        peer: medians[best],
        unit: 'ms',
        ratio: medians[0] / medians[best],
      });
    }
  } finally {
    active.stop();
    passive.stop();
  }
  return rows;
}

const median = (list) => [...list].sort((a, b) => a - b)[list.length >> 1];

function measured(run) {
  return async (count) => {
    const before = process.cpuUsage();
    const times = await run(count);
    const { user, system } = process.cpuUsage(before);
    return { times, cpu: [(user + system) / 1000 / count] };
  };
}

function startPeer(interpreter, threads, more = {}) {
  const environment = { ...process.env, ...more, MOE_RL_THREADS: String(threads), OMP_NUM_THREADS: String(threads) };
  const child = spawn(interpreter, [PROGRAM], { env: environment, stdio: ['pipe', 'pipe', 'inherit'] });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  return {
    async ask(request) {
      child.stdin.write(`${JSON.stringify(request)}\n`);
      const { value, done } = await lines.next();
      if (done) throw new Error(`the PyTorch peer ended (code ${child.exitCode})`);
      return JSON.parse(value);
    },
    stop: () => child.stdin.end(),
  };
}
