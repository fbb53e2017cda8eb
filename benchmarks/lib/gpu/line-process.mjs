// A side of the GPU benchmark: a program in a process of its own that is asked in lines of JSON and answers in such lines, so that one that crashes, hangs or runs
// out of memory ends alone. What it prints besides is ignored.
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';

/** A side could not do what it was asked. `isOutOfMemory`: the device had no room. */
export class SideError extends Error {
  constructor(message, { isOutOfMemory = false } = {}) {
    super(message);
    this.isOutOfMemory = isOutOfMemory;
  }
}

/**
 * Starts a side. `ask(request, seconds)` gives its answer, or throws a SideError with its reason; a side that does not answer in time is killed.
 * @param {{ command: string, args: readonly string[], environment?: Record<string, string> }} program
 */
export function startSide({ command, args, environment = {} }) {
  const child = spawn(command, args, { env: { ...process.env, ...environment }, stdio: ['pipe', 'pipe', 'pipe'] });
  let errors = '';
  let waiting;
  let ended;
  const settle = (how, value) => {
    const { resolve, reject, timer } = waiting ?? {};
    waiting = undefined;
    clearTimeout(timer);
    (how === 'answer' ? resolve : reject)?.(value);
  };
  const end = (reason) => {
    ended ??= new SideError(reason, { isOutOfMemory: /RESOURCE_EXHAUSTED|out of memory/i.test(errors) });
    settle('failure', ended);
  };
  child.stderr.on('data', (chunk) => {
    errors = (errors + chunk).slice(-4000);
  });
  child.stdin.on('error', () => {});
  child.on('error', (error) => end(`${command} can't be started: ${error.message}`));
  child.on('close', (code, signal) => {
    const last = errors.trim().split('\n').at(-1);
    end(`it ended with ${signal ?? `code ${code}`}${last ? `: ${last}` : ''}`);
  });
  createInterface({ input: child.stdout }).on('line', (line) => {
    if (!line.startsWith('{')) return;
    const { error, isOutOfMemory, ...answer } = JSON.parse(line);
    if (error === undefined) settle('answer', answer);
    else settle('failure', new SideError(error, { isOutOfMemory }));
  });
  return {
    ask(request, seconds = 300) {
      if (ended !== undefined) return Promise.reject(ended);
      return new Promise((resolve, reject) => {
        const timer = setTimeout(() => {
          end(`it did not answer within ${seconds} s`);
          child.kill('SIGKILL');
        }, seconds * 1000);
        waiting = { resolve, reject, timer };
        child.stdin.write(`${JSON.stringify(request)}\n`);
      });
    },
    /** Ends it; what it had on the device is free when this is done. */
    stop() {
      return new Promise((resolve) => {
        if (ended !== undefined) return resolve();
        const timer = setTimeout(() => child.kill('SIGKILL'), 10_000);
        child.once('close', () => {
          clearTimeout(timer);
          resolve();
        });
        child.stdin.end();
      });
    },
  };
}

/** Answers the requests on standard input, one after the other, by the functions in `answers`. */
export async function serve(answers) {
  for await (const line of createInterface({ input: process.stdin })) {
    const { do: what, ...request } = JSON.parse(line);
    let answer;
    try {
      answer = await answers[what](request);
    } catch (error) {
      answer = { error: error.message, isOutOfMemory: isOutOfMemory(error) };
    }
    process.stdout.write(`${JSON.stringify(answer)}\n`);
  }
  process.exit(0);
}

/** Every engine has its own words for it. */
export function isOutOfMemory(error) {
  return error.status === 'RESOURCE_EXHAUSTED' || /RESOURCE_EXHAUSTED|out of memory|OOM when/i.test(error.message);
}
