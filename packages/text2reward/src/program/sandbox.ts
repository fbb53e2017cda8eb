// Runs reward programs in QuickJS, a JavaScript engine compiled to WebAssembly: no access to anything outside, limits of memory, steps and time.
import releaseSync from '@jitl/quickjs-wasmfile-release-sync';
import { InvalidArgumentError, requireFinite, requireInteger, requireKnownOptions } from '@moe-rl/core';
import {
  newQuickJSWASMModuleFromVariant,
  type QuickJSContext,
  type QuickJSHandle,
  type QuickJSRuntime,
  type QuickJSWASMModule,
} from 'quickjs-emscripten-core';
import type { EnvironmentDescription } from '../description/environment-description.ts';
import type { ValueLayout } from '../description/state-reader.ts';
import { type RewardFault, RewardProgramError } from '../errors.ts';
import { guestSource, recordLength, STEP_ACTION, STEP_SEED, STEP_VALUES, stepLength } from './guest.ts';

/** What a program may use for one reward. */
export interface RewardLimits {
  /** Memory of the engine, its own included. Default 4 MiB. */
  readonly memoryBytes: number;
  /** Branches and calls, counted in ten thousands. Default 1 million: some 50 ms. */
  readonly steps: number;
  /** Time of the processor, so that a busy machine does not decide. For what is no step, such as long work within a built-in function. Default 1000. */
  readonly timeMs: number;
  /** Largest reward, either way. Default 1,000. */
  readonly magnitude: number;
}

export const DEFAULT_REWARD_LIMITS: RewardLimits = {
  memoryBytes: 4 << 20,
  steps: 1_000_000,
  timeMs: 1000,
  magnitude: 1000,
};

/** The engine itself needs some of it. */
const LEAST_MEMORY_BYTES = 2 << 20;

/**
 * All limits, the given ones checked.
 * @throws InvalidArgumentError for one that is unknown or out of range, by name
 */
export function requireLimits(given: Partial<RewardLimits> = {}): RewardLimits {
  requireKnownOptions('limits', given, Object.keys(DEFAULT_REWARD_LIMITS));
  const named = Object.entries(given).filter(([, value]) => value !== undefined);
  const limits: RewardLimits = { ...DEFAULT_REWARD_LIMITS, ...Object.fromEntries(named) };
  requireInteger('limits.memoryBytes', limits.memoryBytes, LEAST_MEMORY_BYTES, 2 ** 31 - 1);
  requireInteger('limits.steps', limits.steps, 1);
  requireFinite('limits.timeMs', limits.timeMs, 1);
  requireFinite('limits.magnitude', limits.magnitude, 0);
  return limits;
}

/** QuickJS asks after so many branches and calls whether to go on. */
const STEPS_PER_POLL = 10_000;
const STACK_BYTES = 128 << 10;
/** `1n`: a product of two long ones takes seconds and counts as no step. */
const BIG_INTEGER = /(?<![\w$.])(?:0[xX][\da-fA-F_]+|0[oO][0-7_]+|0[bB][01_]+|\d[\d_]*)n(?![\w$])/;
/** What the sandbox itself may use to set itself up. */
const SETUP_TIME_MS = 10_000;

let engine: QuickJSWASMModule | undefined;
let loading: Promise<QuickJSWASMModule> | undefined;

/** Loads the engine; sandboxes can be made once this has resolved. Costs some 50 ms, once. */
export async function prepareSandbox(): Promise<void> {
  loading ??= newQuickJSWASMModuleFromVariant(releaseSync);
  engine = await loading;
}

/** Holds one program and gives its rewards. Nothing survives from one reward to the next but what the host puts in. */
export class RewardSandbox {
  readonly #name: string;
  readonly #limits: RewardLimits;
  readonly #runtime: QuickJSRuntime;
  readonly #context: QuickJSContext;
  readonly #handles: QuickJSHandle[] = [];
  readonly #step: QuickJSHandle;
  /** What is copied into the engine at each step. */
  readonly #handed: Float64Array<ArrayBuffer>;
  readonly #beforeOffset: number;
  #polls = 0;
  #maxPolls = Number.POSITIVE_INFINITY;
  /** When the first poll of this call came: calls that end before it need no clock. */
  #since: number | undefined;
  #timeMs = Number.POSITIVE_INFINITY;
  #hasEnded = false;

  /**
   * Compiles a program.
   * @param source with the simulator's names
   * @param name what messages call the program
   * @throws RewardProgramError when it is no JavaScript, or defines no function `computeReward`; InvalidArgumentError for limits that are none
   */
  constructor(request: {
    readonly source: string;
    readonly name: string;
    readonly description: EnvironmentDescription;
    readonly layout: ValueLayout;
    readonly limits?: Partial<RewardLimits>;
    readonly hasRandomness?: boolean;
  }) {
    if (engine === undefined) throw new Error('prepareSandbox() has to be awaited before sandboxes are made');
    const { source, name, description, layout, hasRandomness = false } = request;
    this.#name = name;
    this.#handed = new Float64Array(stepLength(layout));
    this.#beforeOffset = STEP_VALUES + recordLength(layout.length);
    this.#limits = requireLimits(request.limits);
    this.#runtime = engine.newRuntime();
    this.#runtime.setMemoryLimit(this.#limits.memoryBytes);
    this.#runtime.setMaxStackSize(STACK_BYTES);
    this.#runtime.setInterruptHandler(() => ++this.#polls > this.#maxPolls || this.#isOverTime());
    this.#context = this.#runtime.newContext();
    try {
      this.#timeMs = SETUP_TIME_MS;
      const { magnitude } = this.#limits;
      const guest = this.#unwrap(
        this.#evaluateResult(guestSource(description, layout, hasRandomness, magnitude), 'guest.js'),
      );
      this.#step = this.#keep(this.#context.getProp(guest, 'step'));
      const load = this.#keep(this.#context.getProp(guest, 'load'));
      const program = this.#compile(source);
      this.#unwrap(this.#context.callFunction(load, this.#context.undefined, program));
    } catch (error) {
      this.dispose();
      throw error;
    }
  }

  /**
   * The reward of a step.
   * @param now the values after it, in the layout's order; `before`: those before it
   * @param action index into the description's actions
   * @param seed of this step's random numbers
   * @throws RewardProgramError naming what the program did; InvalidArgumentError when it was disposed
   */
  reward(step: {
    readonly now: Float64Array;
    readonly before: Float64Array;
    readonly action: number;
    readonly seed?: number;
  }): number {
    if (this.#hasEnded) throw new InvalidArgumentError(`the reward program ${this.#name} was disposed`);
    const handed = this.#handed;
    handed[STEP_ACTION] = step.action;
    handed[STEP_SEED] = step.seed ?? 0;
    handed.set(step.now, STEP_VALUES);
    handed.set(step.before, this.#beforeOffset);
    this.#begin();
    const result = this.#call();
    if (result.error !== undefined) throw this.#refusal(result.error);
    const reward = this.#context.getNumber(result.value);
    result.value.dispose();
    return reward;
  }

  dispose(): void {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    for (const handle of this.#handles) if (handle.alive) handle.dispose();
    try {
      this.#context.dispose();
      this.#runtime.dispose();
    } catch {
      // An engine that broke can't clean up; the next sandbox gets a new one.
      abandonEngine();
    }
  }

  #call(): ReturnType<QuickJSContext['callFunction']> {
    try {
      const buffer = this.#context.newArrayBuffer(this.#handed.buffer);
      const result = this.#context.callFunction(this.#step, this.#context.undefined, buffer);
      buffer.dispose();
      return result;
    } catch (cause) {
      throw this.#broken(cause);
    }
  }

  /** The program as a function; its first line stays the first. Evaluated anew at each step, so that its own variables begin anew too. */
  #compile(source: string): QuickJSHandle {
    const big = BIG_INTEGER.exec(source)?.[0];
    if (big !== undefined) {
      throw new RewardProgramError(
        'unknown-name',
        `the reward program ${this.#name} failed: BigInt (${big}) is not available to reward programs`,
      );
    }
    this.#begin();
    const head = `'use strict';(function (env, action, previous) {`;
    const kind = this.#unwrap(this.#evaluateResult(`${head}${source}\n;return typeof computeReward })`));
    this.#begin();
    const probed = this.#context.callFunction(kind, this.#context.undefined);
    // A program that reads its arguments outside of any function fails here, and is told so at its first step.
    const found = probed.error === undefined ? this.#context.getString(this.#keep(probed.value)) : 'function';
    probed.error?.dispose();
    if (found !== 'function') {
      throw new RewardProgramError(
        'no-function',
        `the reward program ${this.#name} defines no function computeReward(env, action, previous)`,
      );
    }
    return this.#unwrap(this.#evaluateResult(`${head}${source}\n;return computeReward(env, action, previous) })`));
  }

  #evaluateResult(source: string, file = 'reward.js'): ReturnType<QuickJSContext['evalCode']> {
    try {
      return this.#context.evalCode(source, file);
    } catch (cause) {
      throw this.#broken(cause);
    }
  }

  #unwrap(result: ReturnType<QuickJSContext['evalCode']>): QuickJSHandle {
    if (result.error !== undefined) throw this.#refusal(result.error);
    return this.#keep(result.value);
  }

  #keep(handle: QuickJSHandle): QuickJSHandle {
    this.#handles.push(handle);
    return handle;
  }

  #begin(): void {
    this.#polls = 0;
    this.#maxPolls = Math.ceil(this.#limits.steps / STEPS_PER_POLL);
    this.#since = undefined;
    this.#timeMs = this.#limits.timeMs;
  }

  #isOverTime(): boolean {
    const now = processorMs();
    this.#since ??= now;
    return now - this.#since > this.#timeMs;
  }

  /** An error of the guest, by name. */
  #refusal(handle: QuickJSHandle): RewardProgramError {
    let error: { name?: unknown; message?: unknown; stack?: unknown; fault?: unknown };
    try {
      const dumped: unknown = this.#context.dump(handle);
      error = typeof dumped === 'object' && dumped !== null ? dumped : { message: dumped };
    } catch {
      error = { name: 'InternalError', message: 'out of memory' };
    }
    // A promise is gone already: that is how the engine shows one.
    if (handle.alive) handle.dispose();
    else error = { message: 'a promise' };
    const [fault, what] = describeFault(error, this.#limits, this.#polls <= this.#maxPolls);
    const line = /reward\.js:(\d+)/.exec(textOf(error.stack))?.[1];
    const place = line === undefined ? '' : ` (line ${line})`;
    return new RewardProgramError(fault, `the reward program ${this.#name} ${what}${place}`);
  }

  #broken(cause: unknown): RewardProgramError {
    abandonEngine();
    const message = cause instanceof Error ? cause.message : String(cause);
    return new RewardProgramError(
      'engine',
      `the reward program ${this.#name} broke the JavaScript engine: ${message}`,
      {
        cause,
      },
    );
  }
}

/** Milliseconds of the processor that this thread (on older versions of Node the process) has used; elsewhere the clock. */
function processorMs(): number {
  const { process } = globalThis as { process?: Partial<NodeJS.Process> };
  const usage = process?.threadCpuUsage?.() ?? process?.cpuUsage?.();
  return usage === undefined ? performance.now() : (usage.user + usage.system) / 1000;
}

function abandonEngine(): void {
  engine = undefined;
  loading = undefined;
}

const FAULTS: ReadonlySet<unknown> = new Set<RewardFault>([
  ...(['promise', 'no-number', 'not-finite', 'too-large', 'unknown-name', 'memory-limit'] as const),
]);

function describeFault(
  { name, message, fault }: { readonly name?: unknown; readonly message?: unknown; readonly fault?: unknown },
  limits: RewardLimits,
  isOverTime: boolean,
): readonly [RewardFault, string] {
  const text = textOf(message).slice(0, 500);
  if (name === 'InternalError') {
    if (text === 'interrupted') {
      return isOverTime
        ? ['time-limit', `took longer than ${limits.timeMs} ms`]
        : [
            'step-limit',
            `went on for more than ${limits.steps.toLocaleString('en-US')} steps: is there an endless loop?`,
          ];
    }
    if (text === 'out of memory') {
      return ['memory-limit', `needed more than ${(limits.memoryBytes / 2 ** 20).toFixed(1)} MiB of memory`];
    }
    if (text === 'stack overflow') return ['stack-limit', 'called itself too deeply'];
  }
  if (FAULTS.has(fault)) {
    const returned = `returned ${text}; expected a finite number of at most ${limits.magnitude}, either way`;
    if (fault === 'unknown-name' || fault === 'memory-limit') return [fault, `failed: ${text}`];
    return [fault as RewardFault, returned];
  }
  if (name === 'SyntaxError') return ['syntax', `is no JavaScript: ${text}`];
  if (name === 'ReferenceError') return ['unknown-name', `failed: ReferenceError: ${text}`];
  return ['threw', `threw ${textOf(name).slice(0, 100) || 'something'}: ${text}`];
}

/** Whatever a program threw, as text: a message may be anything, also an object that can't be turned into one. */
function textOf(value: unknown): string {
  return typeof value === 'object' && value !== null ? JSON.stringify(value) : String(value ?? '');
}
