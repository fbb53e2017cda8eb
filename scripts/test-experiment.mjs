// test:experiment: does an experiment survive? Runs one through the program, kills it with -9 at a third and at two thirds of its jobs, lets it end, then runs a
// part of it undisturbed and compares every metric that does not depend on the hour. Also how much two jobs side by side cost each other. Resumable: what is in
// the folder is gone on with.
//   node --conditions=@moe-rl/source scripts/test-experiment.mjs [--suite atari20] [--variants baseline,top1,soft] [--seeds 2] [--iterations 2] [--scale 0.002]
//     [--part asterix,pong] [--folder experiments/acceptance] [--kills 2] [--overhead]
// The defaults are 120 runs of 1,000 agent steps; replay start and evaluation are cut alike.
// With --workers (and --queue) instead: 20 of the runs by two worker processes on one folder, one of them killed with -9 at a third (over a redis-server of its
// own, killed and started again empty at two thirds), and compared with the same runs of the whole where that has been run.
import { spawn } from 'node:child_process';
import { existsSync, readdirSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { isDeepStrictEqual, parseArgs } from 'node:util';
import { countJobs, jobStates, openExperimentFolder } from '../packages/experiments/src/index.ts';
import { metricDefinition, readMetricRows, runFolderPaths } from '../packages/runs/src/index.ts';

const { values } = parseArgs({
  options: {
    suite: { type: 'string', default: 'atari20' },
    variants: { type: 'string', default: 'baseline,top1,soft' },
    seeds: { type: 'string', default: '2' },
    iterations: { type: 'string', default: '2' },
    scale: { type: 'string', default: '0.002' },
    part: { type: 'string', default: 'asterix,pong' },
    folder: { type: 'string', default: join('experiments', 'acceptance') },
    kills: { type: 'string', default: '2' },
    overhead: { type: 'boolean', default: false },
    workers: { type: 'boolean', default: false },
    queue: { type: 'boolean', default: false },
  },
});
const program = [
  '--conditions=@moe-rl/source',
  '--disable-warning=ExperimentalWarning',
  join(dirname(fileURLToPath(import.meta.url)), '../apps/trainer/src/bin.ts'),
];
const plan = [
  '--suite',
  values.suite,
  '--variants',
  values.variants,
  '--iterations',
  values.iterations,
  '--scale',
  values.scale,
];
const disturbed = join(values.folder, 'disturbed');
const undisturbed = join(values.folder, 'undisturbed');

const started = performance.now();
if (values.workers || values.queue) await runWorkers();
else {
  await runKilled();
  console.log(`${count(disturbed).done} jobs in ${minutes(started)} minutes, killed ${values.kills} times on the way`);
  await run([...plan, '--seeds', '1', '--games', values.part, '--folder', undisturbed, '--no-report']);
  report(undisturbed, disturbed);
  if (values.overhead) await measureOverhead();
}

function report(part, whole) {
  const differences = compare(part, whole);
  for (const difference of differences) console.log(`FAILED ${difference}`);
  console.log(differences.length === 0 ? 'ok     the part is equal' : `${differences.length} differences`);
  const { done, total } = count(whole);
  if (differences.length > 0 || done < total) process.exitCode = 1;
}

/** 20 runs through two workers; see above. */
async function runWorkers() {
  const folder = join(values.folder, values.queue ? 'queue' : 'workers');
  rmSync(folder, { recursive: true, force: true });
  const games = 'asterix,asteroids,bowling,breakout,demon_attack,freeway,gravitar,jamesbond,ms_pacman,pong';
  const jobs = ['--suite', values.suite, '--variants', 'baseline,soft', '--games', games, '--seeds', '1'];
  const lengths = ['--iterations', values.iterations, '--scale', values.scale];
  const port = 7000 + (process.pid % 1000);
  const queue = values.queue ? ['--queue', `redis://127.0.0.1:${port}`] : [];
  let redis = values.queue ? startRedis(port) : undefined;
  if (values.queue) await sleep(1000);
  const supervisor = spawnProgram(
    'experiment',
    values.queue ? 'run' : 'create',
    ...jobs,
    ...lengths,
    '--folder',
    folder,
    ...(values.queue ? ['--no-report', ...queue] : []),
  );
  if (!values.queue) await ended(supervisor);
  while (!existsSync(join(folder, 'experiment.json'))) await sleep(200);
  const [first, second] = [0, 1].map(() => spawnProgram('experiment', 'worker', folder, '--jobs', '1', ...queue));
  const past = async (part) => {
    while (count(folder).done < count(folder).total * part) await sleep(500);
  };
  await past(1 / 3);
  first.kill('SIGKILL');
  console.log(`one worker killed with ${count(folder).done} of ${count(folder).total} jobs done`);
  if (redis) {
    await past(2 / 3);
    redis.kill('SIGKILL');
    await ended(redis);
    await sleep(1000);
    redis = startRedis(port);
    console.log(`Redis killed and started again empty with ${count(folder).done} jobs done`);
  }
  for (const child of [second, supervisor]) {
    if ((await ended(child)) !== 0) console.log(`FAILED a process ended with exit code ${child.exitCode}`);
  }
  redis?.kill('SIGKILL');
  const { done, total, failed } = count(folder);
  console.log(`${done} of ${total} jobs done once, ${failed} failed, in ${minutes(started)} minutes`);
  const left = readdirSync(join(folder, 'work'));
  if (left.length > 0) console.log(`FAILED work/ holds ${left.join(', ')}`);
  if (done < total || left.length > 0) process.exitCode = 1;
  if (existsSync(join(disturbed, 'experiment.json'))) report(folder, disturbed);
}

function startRedis(port) {
  return spawn('redis-server', ['--port', String(port), '--bind', '127.0.0.1', '--save', ''], { stdio: 'ignore' });
}

function ended(child) {
  const hasEnded = child.exitCode !== null || child.signalCode !== null;
  return hasEnded ? child.exitCode : new Promise((resolve) => child.once('exit', resolve));
}

/** Starts the experiment again and again; all but the last time it is killed once more jobs are done. */
async function runKilled() {
  const args = [...plan, '--seeds', values.seeds, '--folder', disturbed];
  const kills = Number(values.kills);
  for (let kill = 1; kill <= kills; kill++) {
    const child = start(args);
    const ended = new Promise((resolve) => child.once('exit', () => resolve(true)));
    const isPast = () =>
      existsSync(join(disturbed, 'experiment.json')) &&
      count(disturbed).done >= (count(disturbed).total * kill) / (kills + 1);
    while (!isPast() && !(await Promise.race([ended, sleep(500, false)])));
    child.kill('SIGKILL');
    await ended;
    console.log(`killed with ${count(disturbed).done} of ${count(disturbed).total} jobs done`);
  }
  await run(args);
}

function start(args) {
  return spawnProgram('experiment', 'run', ...args);
}

function spawnProgram(...args) {
  return spawn(process.execPath, [...program, ...args], { stdio: ['ignore', 'ignore', 'inherit'] });
}

async function run(args) {
  const code = await new Promise((resolve) => start(args).once('exit', resolve));
  if (code !== 0) throw new Error(`experiment run ended with exit code ${code}`);
}

function count(folder) {
  return countJobs(jobStates(openExperimentFolder(folder)));
}

/** Rows that differ between a part and the same jobs of the whole. */
function compare(part, whole) {
  return readdirSync(join(part, 'jobs')).flatMap((id) => {
    const [straight, killed] = [part, whole].map((folder) => stableRows(join(folder, 'jobs', id)));
    return isDeepStrictEqual(straight, killed)
      ? []
      : [`${id}: ${straight.length} and ${killed.length} rows, not equal`];
  });
}

function stableRows(runFolder) {
  return readMetricRows(runFolderPaths(runFolder).metricsFile).map(({ agentSteps, values: row }) => ({
    agentSteps,
    ...Object.fromEntries(Object.entries(row).filter(([tag]) => metricDefinition(tag).isTiming !== true)),
  }));
}

/** Two jobs side by side, a thread each, against one alone: medians of three, in turns. */
async function measureOverhead() {
  const ratios = [];
  for (let turn = 0; turn < 3; turn++) {
    const [alone, pair] = await [1, 2].reduce(async (earlier, seeds) => {
      const times = await earlier;
      const folder = join(values.folder, `overhead-${seeds}`);
      rmSync(folder, { recursive: true, force: true });
      const before = performance.now();
      await run([
        '--suite',
        'demo',
        '--variants',
        'soft',
        '--seeds',
        String(seeds),
        '--scale',
        '0.2',
        '--jobs',
        String(seeds),
        '--threads',
        '1',
        '--folder',
        folder,
        '--no-report',
      ]);
      return [...times, performance.now() - before];
    }, Promise.resolve([]));
    ratios.push(pair / alone);
  }
  ratios.sort((left, right) => left - right);
  console.log(
    `two jobs side by side take ${ratios[1].toFixed(2)} times as long as one alone (${ratios.map((ratio) => ratio.toFixed(2)).join(', ')})`,
  );
}

function minutes(since) {
  return ((performance.now() - since) / 60_000).toFixed(1);
}
