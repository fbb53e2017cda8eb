// Long computations let the process's other work in: without it Ctrl-C and other events would wait until they end, because an agent's step on most backends
// is computed before its promise is looked at, and awaiting such a promise never reaches the event loop.
import { setImmediate } from 'node:timers/promises';

const PERIOD_MS = 50;

/** Returns a function to await after each step: once every 50 ms it lets the event loop turn once, else it costs next to nothing. */
export function createBreather(): () => Promise<void> | undefined {
  let breathedAtMs = performance.now();
  return () => {
    if (performance.now() - breathedAtMs < PERIOD_MS) return undefined;
    return setImmediate().then(() => {
      breathedAtMs = performance.now();
    });
  };
}
