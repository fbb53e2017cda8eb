// A side of the GPU benchmark: a program in a process of its own that is asked in lines of JSON and answers in such lines, so that one that crashes, hangs or runs
// out of memory ends alone. What it prints besides is ignored.
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';

/** A side could not do what it was asked. `isOutOfMemory`: the device had no room. `hasEnded`: its process is gone. */
export class SideError extends Error {
  constructor(message, { isOutOfMemory = false, hasEnded = false } = {}) {
    super(message);
    this.isOutOfMemory = isOutOfMemory;
    this.hasEnded = hasEnded;
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
  const closed = new Promise((resolve) => child.once('close', resolve));
  const settle = (how, value) => {
    const { resolve, reject, timer } = waiting ?? {};
    waiting = undefined;
    clearTimeout(timer);
    (how === 'answer' ? resolve : reject)?.(value);
  };
  const end = (reason) => {
    ended ??= new SideError(reason, {
      isOutOfMemory: /RESOURCE_EXHAUSTED|out of memory/i.test(errors),
      hasEnded: true,
    });
    settle('failure', ended);
  };
  child.stderr.on('data', (chunk) => {
    errors = (errors + chunk).slice(-4000);
  });
  child.stdin.on('error', () => {});
  child.on('error', (error) => end(`${command} can't be started: ${error.message}`));
  child.on('close', (code, signal) => {
    const lines = errors.trim().split('\n');
    // Crashes print a stack or a list of modules after what went wrong.
    const last = lines.findLast((line) => /error|fatal|fail|exception|out of memory/i.test(line)) ?? lines.at(-1);
    end(`it ended with ${signal ?? `code ${code}`}${last ? `: ${last}` : ''}`);
  });
  createInterface({ input: child.stdout }).on('line', (line) => {
    const said = parseAnswer(line);
    if (said === undefined) return;
    const { error, isOutOfMemory, ...answer } = said;
    if (error === undefined) settle('answer', answer);
    else settle('failure', new SideError(error, { isOutOfMemory }));
  });
  return {
    get hasEnded() {
      return ended !== undefined;
    },
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
    async stop() {
      const timer = setTimeout(() => child.kill('SIGKILL'), 10_000);
      child.stdin.end();
      await closed;
      clearTimeout(timer);
    },
  };
}

/** What a line answers; undefined for what libraries print. */
function parseAnswer(line) {
  if (!line.startsWith('{')) return undefined;
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}

/** What can be asked of a process that was asked nothing but `describe`. */
const FIRST_REQUESTS = new Set(['prepare', 'floor', 'train', 'seeds']);
/** One that ends that often has more wrong with it than one network. */
const MOST_STARTS = 5;

/**
 * A side that is started anew after its process ended, by a crash or because it did not answer: what is asked next does not fall for what went wrong before.
 * @param {() => ReturnType<typeof startSide>} start
 */
export function startAgainSide(start) {
  let side = start();
  let starts = 1;
  return {
    async ask(request, seconds) {
      if (side.hasEnded && FIRST_REQUESTS.has(request.do) && starts < MOST_STARTS) {
        await side.stop();
        side = start();
        starts++;
        await side.ask({ do: 'describe' });
      }
      return side.ask(request, seconds);
    },
    stop: () => side.stop(),
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
