// Writes docs/reproduction.md from ledger.yaml and the result files in docs/reproduction/: no number in it is typed by hand. `--check` only says whether it is up to date.
//   node --conditions=@moe-rl/source scripts/reproduction/ledger.mjs [--check]
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { interquartileMean, stratifiedBootstrap } from '../../packages/evaluation/src/index.ts';
import { duration, number } from '../../packages/runs/src/index.ts';
import { readLedger } from './read-ledger.mjs';

const page = new URL('../../docs/reproduction.md', import.meta.url);
const { experiments, costs, claims } = readLedger();
const text = ledger();
if (process.argv.includes('--check')) {
  const isCurrent = existsSync(page) && readFileSync(page, 'utf8') === text;
  console.log(isCurrent ? 'ok     docs/reproduction.md' : 'docs/reproduction.md is not what ledger.mjs writes');
  process.exitCode = isCurrent ? 0 : 1;
} else writeFileSync(page, text);

function ledger() {
  return `# Reproduction ledger

Claims of the papers, and what became of them here, at budgets where the baseline learns. Written by \`scripts/reproduction/ledger.mjs\` from [result files](reproduction), which
\`node --conditions=@moe-rl/source scripts/reproduction/run.mjs\` makes; it can be stopped and started again. The score of a run is the mean of its last evaluations. Differences are of normalized scores, with 95 %
stratified bootstrap intervals over seeds. A claim of a gain is *confirmed* or *contradicted* when the interval leaves 0 out; a claim of no difference is *contradicted* when it does, one of no gain when it lies above 0. These are short runs of
few games: a verdict here is about this budget, not about the paper's 200 million frames.

## Claims

${table(['claim', 'source', 'where', 'seeds', 'difference', 'verdict'], claims.flatMap(claimRows))}
## Experiments

${Object.entries(experiments).map(experimentSection).join('\n')}
## Cost of the full protocols

${costSection()}`;
}

function claimRows({ claim, source, variant, against, expect, in: where }) {
  return where.map((name) => {
    const results = read(name);
    if (results === undefined) return [claim, source, name, '-', '-', 'not run yet'];
    const { runs, seeds } = results;
    const games = [...new Set(runs.map(({ game }) => game))];
    const scores = (of) =>
      games.map((game) =>
        runs.filter((run) => run.game === game && run.variant === of).map(({ normalized }) => normalized),
      );
    const [x, y] = [scores(variant), scores(against)];
    if ([...x, ...y].some((of) => of.length === 0)) return [claim, source, name, String(seeds), '-', 'not all run yet'];
    const [difference] = stratifiedBootstrap([x, y], (left, right) => [
      interquartileMean(left) - interquartileMean(right),
    ]);
    return [claim, source, name, String(seeds), interval(difference), verdict(expect, difference)];
  });
}

function verdict(expect, { low, high }) {
  const found = low > 0 ? 'better' : high < 0 ? 'worse' : 'open';
  if (expect === 'no-better')
    return found === 'better' ? 'contradicted: better' : `no gain seen${found === 'worse' ? ': worse' : ''}`;
  if (expect === 'equal') return found === 'open' ? 'no difference seen' : `contradicted: ${found}`;
  if (found === 'open') return 'open';
  return found === expect ? 'confirmed' : 'contradicted';
}

function experimentSection([name, { title, options }]) {
  const results = read(name);
  const command = `\`\`\`sh\nnpm run trainer -- experiment run ${options.join(' ')} --folder experiments/${name}\n\`\`\``;
  if (results === undefined) return `### ${title}\n\n${command}\n\nNot run yet.\n`;
  const { runs, agentSteps } = results;
  const rows = [];
  for (const game of new Set(runs.map((run) => run.game))) {
    for (const variant of new Set(runs.map((run) => run.variant))) {
      const ours = runs.filter((run) => run.game === game && run.variant === variant);
      if (ours.length === 0) continue;
      const [meanReturn] = stratifiedBootstrap([[ours.map(({ score }) => score)]], ([scores]) => [mean(scores)]);
      const seconds = ours.reduce((sum, { trainingSeconds }) => sum + trainingSeconds, 0) / ours.length;
      rows.push([
        game,
        variant,
        String(ours.length),
        ours.length > 1 ? interval(meanReturn) : number(meanReturn.estimate),
        ours.map(({ trainingReturn }) => number(trainingReturn)).join(', '),
        duration(seconds),
        [...new Set(ours.map(({ machine }) => machine))].join('; '),
      ]);
    }
  }
  const peer = name === 'der' ? dopamineRuns() : [];
  for (const [game, theirs] of peer) {
    const returns = theirs.map(({ trainingReturn }) => number(trainingReturn)).join(', ');
    rows.push([game, "Dopamine's own DER", String(theirs.length), '-', returns, '-', '-']);
  }
  const head = ['game', 'variant', 'seeds', 'mean return', 'training returns by seed', 'time of a run', 'machine'];
  return `### ${title}\n\n${command}\n\n${agentSteps} agent steps a run. Training returns: of the last 20 training episodes, or of all where there are fewer. Times are by the clock, with other work on the machine.\n\n${table(head, rows)}${peer.map((of) => besideDopamine(of, runs)).join('')}`;
}

/** Whether our plain DER lies inside the spread of Dopamine's: of its seeds, which are few, and of its episodes. */
function besideDopamine([game, theirs], runs) {
  const ours = runs.filter((run) => run.game === game && run.variant === 'baseline');
  if (ours.length === 0) return '';
  const range = (values) => `[${number(Math.min(...values))}, ${number(Math.max(...values))}]`;
  const returnsOf = (some) => some.map(({ trainingReturn }) => trainingReturn);
  const [low, high] = [Math.min(...returnsOf(theirs)), Math.max(...returnsOf(theirs))];
  const inside = ours.filter(({ trainingReturn }) => trainingReturn >= low && trainingReturn <= high);
  const minus = (episodesOf) => {
    const episodes = [ours, theirs].map((some) => [some.flatMap(episodesOf)]);
    const [difference] = stratifiedBootstrap(episodes, ([a], [b]) => [mean(a) - mean(b)]);
    const found = difference.low <= 0 && difference.high >= 0 ? 'no difference seen' : 'a difference';
    return `${interval(difference)}, ${found}`;
  };
  const later = ({ episodes }) => episodes.slice(1);
  const laterMeans = (some) => some.map((run) => number(mean(later(run)))).join(', ');
  return `\n${game}: training returns of Dopamine's seeds lie in ${range(returnsOf(theirs))}, its episodes in ${range(theirs.flatMap((run) => run.episodes))}; of our ${ours.length} runs of plain DER ${inside.length} lie inside the first, and their episodes in ${range(ours.flatMap((run) => run.episodes))}. Ours minus Dopamine's, over episodes: ${minus(({ episodes }) => episodes)}. Without each run's first episode, which an untrained network plays for the most part (learning starts at agent step 1,600): ours ${laterMeans(ours)}, Dopamine's ${laterMeans(theirs)} by seed; ours minus Dopamine's ${minus(later)}.\n`;
}

/** @returns {[game: string, runs: { trainingReturn: number, episodes: number[] }[]][]} */
function dopamineRuns() {
  const runs = read('dopamine-der') ?? [];
  return [...new Set(runs.map(({ game }) => game))].map((game) => [game, runs.filter((run) => run.game === game)]);
}

function mean(values) {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

function costSection() {
  const measured = read('costs');
  if (measured === undefined)
    return `Not measured yet: ${costs.map(({ title }) => title).join('; ')} (\`run.mjs --costs\`).\n`;
  return measured
    .map(({ title, machine, text: output }) => `### ${title}\n\nOn ${machine}:\n\n\`\`\`\n${output}\n\`\`\`\n`)
    .join('\n');
}

function interval({ estimate, low, high }) {
  return `${number(estimate)} [${number(low)}, ${number(high)}]`;
}

function table(head, rows) {
  return `${[head, head.map(() => '---'), ...rows].map((row) => `| ${row.join(' | ')} |`).join('\n')}\n`;
}

function read(name) {
  const file = new URL(`../../docs/reproduction/${name}.json`, import.meta.url);
  return existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : undefined;
}
