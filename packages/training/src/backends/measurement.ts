// What one backend takes for an agent's steps, as it was measured, and which of several is the fastest for a run. No tensors here: figures only.
import type { BackendOption } from '@moe-rl/runs';

/** A backend that can be measured. */
export type MeasurableBackend = Exclude<BackendOption, 'auto'>;

/** Milliseconds of one entry point. */
export interface EntryPointTime {
  /** The first call: tracing, compiling or recording, and the step. */
  readonly firstMs: number;
  /** A later call. */
  readonly ms: number;
}

/** One backend, measured with one configuration of an agent on one machine. */
export interface BackendMeasurement {
  readonly backend: MeasurableBackend;
  /** What of it was measured: versions. */
  readonly version: string;
  /** Absent where it failed. */
  readonly learn?: EntryPointTime;
  readonly act?: EntryPointTime;
  /** Why there are no times. */
  readonly reason?: string;
}

/** How often a run calls the entry points. */
export interface RunWork {
  readonly actions: number;
  readonly updates: number;
}

/** Seconds that a run's steps would take, the first calls included; infinite where the backend failed. */
export function secondsOf({ learn, act }: BackendMeasurement, { actions, updates }: RunWork): number {
  if (learn === undefined || act === undefined) return Number.POSITIVE_INFINITY;
  return (learn.firstMs + act.firstMs + actions * act.ms + updates * learn.ms) / 1000;
}

/** The measurements, the fastest for that work first; those that failed last. */
export function fastestFirst(measurements: readonly BackendMeasurement[], work: RunWork): BackendMeasurement[] {
  return [...measurements].sort((a, b) => {
    const [left, right] = [secondsOf(a, work), secondsOf(b, work)];
    // Infinity - Infinity is no order.
    return left === right ? 0 : left - right;
  });
}

/** Another backend is taken only where it is faster than the first by more than measurements differ. */
const WORTH_CHANGING = 0.9;

/** What `auto` takes: the first that was measured, unless another is clearly faster for that work; undefined where none could be measured. */
export function choiceOf(measurements: readonly BackendMeasurement[], work: RunWork): BackendMeasurement | undefined {
  const first = measurements.find(({ reason }) => reason === undefined);
  if (first === undefined) return undefined;
  const [best] = fastestFirst(measurements, work);
  return secondsOf(best!, work) < WORTH_CHANGING * secondsOf(first, work) ? best : first;
}

/** One line: what was chosen and why. */
export function explainChoice(measurements: readonly BackendMeasurement[], work: RunWork): string {
  const best = choiceOf(measurements, work);
  if (best === undefined) return 'none of the backends here could be measured';
  const others = fastestFirst(measurements, work).filter((one) => one !== best && one.reason === undefined);
  const seconds = (one: BackendMeasurement): string => `${one.backend} ${rounded(secondsOf(one, work))} s`;
  const steps = `learn ${rounded(best.learn!.ms)} ms, act ${rounded(best.act!.ms)} ms`;
  const rest = others.length === 0 ? '' : ` against ${others.map(seconds).join(', ')}`;
  return `${best.backend}: its steps (${steps}) would take this run ${rounded(secondsOf(best, work))} s${rest}`;
}

function rounded(value: number): string {
  return value >= 100 ? String(Math.round(value)) : value.toPrecision(2);
}
