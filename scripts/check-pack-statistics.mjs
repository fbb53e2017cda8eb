// Installs @moe-rl/moe-statistics as users do: packs it (and core) with npm, installs the tarballs into an empty project outside the workspace, and runs an ESM
// and a CommonJS consumer that fit a model, read a CSV and run a study on worker threads. Needs built packages. Prints `N passed, N failed`.
import { checkConsumers } from './pack/consumers.mjs';

const PROGRAM = `
import { polynomialMixture } from '@moe-rl/moe-statistics';
import { parseCsv, runStudy } from '@moe-rl/moe-statistics/node';
const lines = Array.from({ length: 60 }, (_, i) => i + ',' + (i < 30 ? 30 - i + (i % 3) / 9 : i - 30 + (i % 5) / 9));
const samples = parseCsv('x,y\\n' + lines.join('\\n'), { y: 'y' });
const { model } = polynomialMixture.fit(samples, { experts: 2, degree: 1 });
const [mean] = polynomialMixture.predict(model, [10]).mean;
const plan = [{ size: 100, repeats: 2 }, { size: 400, repeats: 2 }];
runStudy('estimation', { folder: process.argv[2], plan, workers: 2 }).then(({ summary, isComplete }) =>
  console.log(Math.round(mean), isComplete, summary.lines),
);
`;

checkConsumers({ packages: ['core', 'moe-statistics'], program: PROGRAM, expected: '20 true 16' });
