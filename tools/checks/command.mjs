// Runs programs for the checks of `pnpm verify`: as many at a time as there are processors, the others wait for their turn.
import { spawn } from 'node:child_process';
import { availableParallelism } from 'node:os';

let free = Math.max(2, availableParallelism());
const waiting = [];

/**
 * One program, once it has a processor.
 * @returns its exit status (`null` when it was killed or never started) and everything it printed
 */
export async function runProgram(program, args, { cwd, env = {}, timeoutSeconds = 600 } = {}) {
  if (free > 0) free--;
  else await new Promise((go) => waiting.push(go));
  try {
    return await spawned(program, args, { cwd, env, timeoutSeconds });
  } finally {
    const next = waiting.shift();
    if (next === undefined) free++;
    else next();
  }
}

/** Runs a program whose output is the problem when it fails. @returns the problems, none or one */
export async function command(program, args, options) {
  const { status, output } = await runProgram(program, args, options);
  return status === 0 ? [] : [output.trim().slice(-6000) || `${program} ended with ${status}`];
}

function spawned(program, args, { cwd, env, timeoutSeconds }) {
  return new Promise((done) => {
    const child = spawn(program, args, {
      cwd,
      stdio: ['ignore', 'pipe', 'pipe'],
      timeout: timeoutSeconds * 1000,
      env: { ...process.env, FORCE_COLOR: '0', NO_COLOR: '1', ...env },
    });
    let output = '';
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding('utf8').on('data', (text) => (output += text));
    child.on('error', (error) => done({ status: null, output: `${program}: ${error.message}` }));
    child.on('close', (status, signal) =>
      done({
        status,
        output: signal === null ? output : `${output}\nended by ${signal}, after ${timeoutSeconds} s at most`,
      }),
    );
  });
}
