// Which runs are seeds of one thing: those whose whole configurations agree but for the seed and what changes nothing that is learned. A label, such as the
// preset's name, decides nothing.
import { realpathSync } from 'node:fs';
import { type RunConfig, readRunConfig, settingDifferences } from '@moe-rl/runs';

export interface ComparedRun {
  readonly path: string;
  readonly config: RunConfig;
}

/** Runs of one configuration, each with a seed of its own. */
export interface RunGroup {
  /** Game, preset, and by path what tells the group apart from others of the same game and preset. */
  readonly label: string;
  readonly runs: readonly ComparedRun[];
}

export interface GroupedRuns {
  readonly groups: readonly RunGroup[];
  /** What was left out, and why. */
  readonly notes: readonly string[];
}

/** Settings that change nothing of what is learned until a given agent step. */
const NEUTRAL: ReadonlySet<string> = new Set([
  ...['seed', 'preset', 'threads', 'trainingAgentSteps', 'maxTrainingSeconds', 'logPeriodAgentSteps'],
  ...[
    'checkpointPeriodAgentSteps',
    'evaluationEpisodes',
    'environment.rom',
    'dataset.recordFolder',
    'statistics.periodUpdates',
    'statistics.followsRouters',
  ],
]);
const RUN_GROUPS: ReadonlySet<string> = new Set(['environment', 'reward', 'sinks', 'modules', 'evaluation', 'dataset']);
const MAX_SHOWN = 4;

/**
 * Sorts runs into groups.
 * @throws NotFoundError for a folder that holds no run
 */
export function groupRuns(paths: readonly string[]): GroupedRuns {
  const notes: string[] = [];
  const groups: ComparedRun[][] = [];
  const seen = new Map<string, number>();
  for (const path of paths) {
    const config = readRunConfig(path);
    const folder = realpathSync(path);
    const times = (seen.get(folder) ?? 0) + 1;
    seen.set(folder, times);
    if (times > 1) continue;
    const group = groups.find(([first]) => isSameCondition(first!.config, config));
    if (group === undefined) groups.push([{ path, config }]);
    else {
      const twin = group.find((run) => run.config.seed === config.seed);
      if (twin === undefined) group.push({ path, config });
      else {
        notes.push(
          `${path} is left out: ${twin.path} has the same configuration and seed ${config.seed}, so it is no further sample`,
        );
      }
    }
  }
  for (const [folder, times] of seen) if (times > 1) notes.push(`${folder} was named ${times} times and counts once`);
  return { groups: groups.map((runs) => ({ label: labelOf(runs[0]!.config, groups), runs })), notes };
}

/** Where two runs are different experiments, by path. */
function conditionDifferences(left: RunConfig, right: RunConfig): readonly string[] {
  const paths = settingDifferences(left, right)
    .map(({ path }) => path)
    .filter((path) => !NEUTRAL.has(path) && !path.startsWith('sinks.'));
  const contents = (config: RunConfig): string => config.modules.map(({ sha256 }) => sha256).join();
  const modules = contents(left) === contents(right) ? [] : ['modules'];
  // The preset is only a name where the settings of the agent say what it is.
  const isNamed = ![left, right].some((config) =>
    Object.entries(config).some(([key, value]) => isAgentGroup(key, value)),
  );
  const preset = isNamed && left.preset !== right.preset ? ['preset'] : [];
  return [...paths, ...modules, ...preset];
}

function isAgentGroup(key: string, value: unknown): boolean {
  return typeof value === 'object' && value !== null && !RUN_GROUPS.has(key);
}

function isSameCondition(left: RunConfig, right: RunConfig): boolean {
  return conditionDifferences(left, right).length === 0;
}

function labelOf(config: RunConfig, groups: readonly (readonly ComparedRun[])[]): string {
  const others = groups
    .map(([first]) => first!.config)
    .filter(({ game, preset }) => game === config.game && preset === config.preset);
  const paths = [...new Set(others.flatMap((other) => conditionDifferences(config, other)))];
  const shown = paths.slice(0, MAX_SHOWN).map((path) => `${path}=${show(config, path)}`);
  if (paths.length > MAX_SHOWN) shown.push(`${paths.length - MAX_SHOWN} more`);
  return [config.game, config.preset, ...shown].join(', ');
}

function show(config: RunConfig, path: string): string {
  if (path === 'modules') return config.modules.map(({ sha256 }) => sha256.slice(0, 8)).join('+') || 'none';
  const value = path
    .split('.')
    .reduce<unknown>((node, key) => (node as Record<string, unknown> | undefined)?.[key], config);
  return value === undefined ? '-' : typeof value === 'string' ? value : JSON.stringify(value);
}
