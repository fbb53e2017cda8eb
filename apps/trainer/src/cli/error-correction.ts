// `moe-rl error-correction`: trains, evaluates and checks plans; what it prints is all there is here.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { createRng, InvalidArgumentError, requireOneOf } from '@moe-rl/core';
import { readBytes } from '@moe-rl/core/node';
import {
  checkPlan,
  drawArrangement,
  expertPlan,
  HELD_OUT_TASKS,
  INFERENCES,
  isRejection,
  observe,
  type Roles,
  repairAction,
  TRAINING_TASKS,
  taskByInstruction,
} from '@moe-rl/error-correction';
import {
  DEFAULT_SETTINGS,
  type EvaluationReport,
  evaluateRoles,
  openPolicy,
  type TrainingProgress,
  type TrainingSettings,
  train,
} from '@moe-rl/error-correction/node';
import { backendChoices, loadBackend } from '@moe-rl/tfjs-native';
import { requireOutputFile, writeOutputFile } from './output-file.ts';
import { interruptible, note, print, programName } from './terminal.ts';

interface BackendOptions {
  readonly backend?: string;
  readonly threads?: number;
}

interface TrainCommand extends BackendOptions {
  readonly folder: string;
  readonly seed?: number;
  readonly plansOnly?: boolean;
  readonly mixture?: string;
  readonly experts?: number;
  readonly set: readonly string[];
}

export async function trainErrorCorrection(options: TrainCommand): Promise<void> {
  const { folder } = options;
  const settings = settingsOf(options);
  await useBackend(options);
  const startedAtMs = performance.now();
  const cpu = process.cpuUsage();
  const { isComplete, updates } = await interruptible(
    (signal) => train({ folder, settings, signal, onProgress: progressPrinter() }),
    'stopping after this update and saving',
  );
  const { user, system } = process.cpuUsage(cpu);
  const spent = `${seconds((performance.now() - startedAtMs) / 1000)}, ${seconds((user + system) / 1e6)} of processor time`;
  const command = `${programName()} error-correction`;
  if (!isComplete) {
    print(`saved after ${updates} updates (${spent}): go on with the same command line`);
    throw new DOMException('stopped', 'AbortError');
  }
  print(`trained: ${updates} updates in ${spent}\npolicy: ${join(folder, 'policy.safetensors')}`);
  print(`evaluate it with ${command} evaluate --folder ${folder}`);
}

interface EvaluateCommand extends BackendOptions {
  readonly folder?: string;
  readonly server?: string;
  readonly model?: string;
  readonly timeout?: number;
  readonly arrangements: number;
  readonly tasks?: readonly string[];
  readonly json?: string;
}

export async function evaluateErrorCorrection(options: EvaluateCommand): Promise<void> {
  const { folder, server, model, arrangements, tasks } = options;
  if ((folder === undefined) === (server === undefined)) {
    throw new InvalidArgumentError(
      folder === undefined
        ? '--folder and --server are missing; expected the folder of a run, or the address of a language model server'
        : `--folder is ${folder} and --server is ${server}; expected one of them`,
    );
  }
  requireUsed(options);
  const known = [...TRAINING_TASKS, ...HELD_OUT_TASKS].map(({ instruction }) => instruction);
  const instructions = tasks?.map((task) => requireOneOf('--tasks', taskByInstruction(task).instruction, known));
  const output = options.json ?? (folder === undefined ? undefined : join(folder, 'evaluation.json'));
  if (output !== undefined && (options.json !== undefined || existsSync(folder!))) requireOutputFile('--json', output);
  await interruptible(async (signal) => {
    const { roles, description, inferences, dispose } =
      folder === undefined
        ? await serverRoles(server!, model, options.timeout ?? 60, signal)
        : await policyRoles(folder, options);
    note(`${description}; ${arrangements} households for each task`);
    try {
      const report = await evaluateRoles(roles, {
        arrangements,
        inferences,
        signal,
        ...(instructions === undefined ? {} : { tasks: instructions }),
        onProgress: (split, inference, turn, open) => note(`${split}, ${inference}: turn ${turn}, ${open} going on`),
      });
      for (const line of tableOf(report)) print(line);
      if (output !== undefined) {
        writeOutputFile(output, `${JSON.stringify({ model: description, ...report })}\n`);
        print(`results: ${output}`);
      }
    } finally {
      dispose();
    }
  }, 'stopping');
}

/** @throws InvalidArgumentError for an option of a server with a folder, or the other way round: it would do nothing */
function requireUsed({ server, model, timeout, backend, threads }: EvaluateCommand): void {
  const others =
    server === undefined ? { '--model': model, '--timeout': timeout } : { '--backend': backend, '--threads': threads };
  const [unused] = Object.entries(others).filter(([, value]) => value !== undefined);
  if (unused === undefined) return;
  throw new InvalidArgumentError(
    `${unused[0]} is ${unused[1]}, which is for ${server === undefined ? '--server' : '--folder'}; leave it out`,
  );
}

export async function checkErrorCorrection(
  instruction: string,
  { plan: path, seed }: { readonly plan?: string; readonly seed: number },
): Promise<void> {
  const task = taskByInstruction(instruction);
  const lines = path === undefined ? undefined : readPlan(path);
  const world = drawArrangement(createRng(seed, `check/${task.instruction}`), task);
  const plan = lines ?? expertPlan(world, task);
  print(`household ${seed}: ${observe(world, task).join('; ')}\n`);
  const { steps, executableSteps, isDone } = checkPlan(world, plan, task);
  for (const { sentence, feedback } of steps) {
    print(`${sentence.padEnd(28)} ${feedback.text}${isRejection(feedback) ? ` (${feedback.kind})` : ''}`);
  }
  print(`\n${executableSteps} of ${steps.length} steps executable, task ${isDone ? 'done' : 'not done'}`);
}

/** One action per line; empty lines and comments (#) count nothing, END ends it. Usual ways to write actions are repaired. */
function readPlan(path: string): readonly string[] {
  const lines = new TextDecoder()
    .decode(readBytes(path))
    .split('\n')
    .filter((line) => line.trim() !== '' && !line.trim().startsWith('#'))
    .map(repairAction);
  const end = lines.indexOf('END');
  const plan = end < 0 ? lines : lines.slice(0, end);
  if (plan.length === 0) throw new InvalidArgumentError(`the plan ${path} is empty; expected one action per line`);
  return plan;
}

function settingsOf({ seed, plansOnly, mixture, experts, set }: TrainCommand): Partial<TrainingSettings> {
  const given: Record<string, unknown> = {};
  for (const text of set) {
    const at = text.indexOf('=');
    const name = text.slice(0, Math.max(0, at));
    const value = Number(text.slice(at + 1));
    if (at < 1 || text.slice(at + 1).trim() === '' || !Number.isFinite(value)) {
      throw new InvalidArgumentError(`--set is ${JSON.stringify(text)}; expected <key>=<number>`);
    }
    if (Object.hasOwn(DEFAULT_SETTINGS, name) && typeof DEFAULT_SETTINGS[name as 'seed'] !== 'number') {
      throw new InvalidArgumentError(`--set ${name}: expected --plans-only, --mixture or a setting that is a number`);
    }
    given[name] = value;
  }
  if (seed !== undefined && 'seed' in given) {
    throw new InvalidArgumentError(
      `--seed is ${seed} and --set says seed=${String(given['seed'])}; expected one of them`,
    );
  }
  if (experts !== undefined && mixture === undefined) {
    throw new InvalidArgumentError(`--experts is ${experts}, but there is no mixture; expected --mixture too`);
  }
  return {
    ...(given as Partial<TrainingSettings>),
    ...(seed === undefined ? {} : { seed }),
    ...(plansOnly === undefined ? {} : { plansOnly }),
    ...(mixture === undefined
      ? {}
      : {
          network: {
            ...DEFAULT_SETTINGS.network,
            mixture: { type: mixture, experts: experts ?? 4, hiddenSize: DEFAULT_SETTINGS.network.hiddenSize },
          },
        }),
  };
}

async function useBackend({ backend, threads }: BackendOptions): Promise<void> {
  const choice = backend === undefined ? 'auto' : requireOneOf('--backend', backend, backendChoices);
  const { name, report } = await loadBackend({
    backend: choice,
    ...(threads === undefined ? {} : { threads }),
    onProgress: ({ message }) => note(message),
  });
  note(`backend ${name}: ${report.used.reason}`);
}

async function policyRoles(folder: string, options: BackendOptions) {
  if (!existsSync(folder)) throw new InvalidArgumentError(`--folder is ${folder}, which is not there; expected a run`);
  await useBackend(options);
  const { policy, settings, updates } = await openPolicy(folder);
  const kind = settings.plansOnly ? 'plans alone' : 'E2CL';
  const mixture = settings.network.mixture ? `, ${settings.network.mixture.type} mixture` : '';
  return {
    roles: policy.roles,
    // Trained on plans alone it can't foresee anything.
    inferences: settings.plansOnly ? (['plain'] as const) : INFERENCES,
    description: `${kind}${mixture}, seed ${settings.seed}, ${updates} updates`,
    dispose: () => policy.dispose(),
  };
}

async function serverRoles(url: string, model: string | undefined, timeoutSeconds: number, signal: AbortSignal) {
  if (model === undefined)
    throw new InvalidArgumentError('--model is missing; expected the name of a model of --server');
  const { createLanguageModelRoles } = await import('@moe-rl/error-correction/language-model');
  const apiKey = process.env.MOE_RL_MODEL_KEY || undefined;
  const roles: Roles = createLanguageModelRoles({
    url,
    model,
    timeoutMs: timeoutSeconds * 1000,
    signal,
    ...(apiKey === undefined ? {} : { apiKey }),
  });
  return { roles, inferences: INFERENCES, description: `${model} of ${url}`, dispose: () => {} };
}

function progressPrinter(): (progress: TrainingProgress) => void {
  let started: { readonly atMs: number; readonly update: number } | undefined;
  return (progress) => {
    if (progress.kind === 'started') {
      const { update, plans, parameterCount } = progress;
      started = { atMs: performance.now(), update };
      note(
        `${plans} expert plans, ${parameterCount} parameters${update > 0 ? `; going on after update ${update}` : ''}`,
      );
    } else if (progress.kind === 'explored') {
      const { round, feedback, errors, corrections } = progress;
      note(
        `exploration ${round}: ${feedback} answers of the household, ${errors} of them errors; ${corrections} corrections`,
      );
    } else {
      const { phase, update, total, losses } = progress;
      const perUpdate = (performance.now() - started!.atMs) / 1000 / Math.max(1, update - started!.update);
      const parts = phase === 'plans' ? (['plan'] as const) : (['plan', 'judge', 'correct'] as const);
      const shown = parts.map((part) => `${part} ${losses[part].toFixed(3)}`).join(', ');
      const left = update < total ? `, about ${seconds(perUpdate * (total - update))} left` : '';
      note(`${phase}: update ${update} of ${total}, loss ${shown}${left}`);
    }
  };
}

const seconds = (value: number): string => (value < 90 ? `${Math.ceil(value)} s` : `${Math.ceil(value / 60)} min`);
const percent = (value: number | null): string => (value === null ? '-' : `${(100 * value).toFixed(1)} %`);

function tableOf({ results }: EvaluationReport): readonly string[] {
  const row = (cells: readonly string[]): string =>
    cells.map((cell, index) => (index < 2 ? cell.padEnd(14) : cell.padStart(13))).join('');
  return [
    row(['unseen', 'inference', 'steps', 'whole tasks', 'tasks done', 'LCS', 'corrected', 'calls/step']),
    ...results.map((result) =>
      row([
        result.split,
        result.inference,
        percent(result.stepExecutability),
        percent(result.taskExecutability),
        percent(result.tasksDone),
        result.agreement.toFixed(3),
        result.inference === 'plain' ? '-' : `${result.corrected} of ${result.errors}`,
        result.callsPerStep.toFixed(2),
      ]),
    ),
  ];
}
