// Our DQN agent acting through PJRT's CPU plugin, in a process of its own: a side of step.mjs that takes turns with the others. Run by itself it is that process.
import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';

/** Starts it; `measure(what, count)` returns the times of `count` calls in ms, as `createDqnAgent`'s. */
export async function startPjrtSide(network, threads) {
  const child = fork(fileURLToPath(import.meta.url), [network, String(threads)], { execArgv: process.execArgv });
  let settle;
  child.on('message', ({ error, ...message }) =>
    error === undefined ? settle.resolve(message) : settle.reject(new Error(error)),
  );
  child.on('exit', (code) => settle.reject(new Error(`the PJRT side ended with code ${code}`)));
  const answer = () =>
    new Promise((resolve, reject) => {
      settle = { resolve, reject };
    });
  await answer();
  return {
    async measure(what, count) {
      const answered = answer();
      child.send({ what, count });
      return (await answered).times;
    },
    stop: () => child.disconnect(),
  };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { openBackend } = await import('../../packages/training/src/backend.ts');
  const { createDqnAgent } = await import('./dqn-agent.mjs');
  const [network, threads] = process.argv.slice(2);
  try {
    await openBackend({ backend: 'pjrt-cpu', threads: Number(threads) }, () => {});
    const { measure } = await createDqnAgent(network, 'auto', { whats: ['act'] });
    process.on('message', async ({ what, count }) => process.send({ times: await measure(what, count) }));
    process.on('disconnect', () => process.exit(0));
    process.send({ ready: true });
  } catch (error) {
    process.send({ error: error.message });
  }
}
