// test:learning: the longer learning checks. Every agent learns Catch (or CartPole) above a threshold from a fixed seed; and each check fails, as it must,
// when the agent is broken on purpose: the sign of the loss, the target network's update, the router's gradient.
//   node --conditions=@moe-rl/source scripts/test-learning.mjs [--only NAME] [--broken-only]
import { createLearningCheck, LEARNING_CHECKS } from '../packages/agents/src/testing/learning-checks.ts';
import { loadBackend } from '../packages/tfjs-native/src/index.ts';

const only = process.argv.includes('--only') ? process.argv[process.argv.indexOf('--only') + 1] : undefined;
const brokenOnly = process.argv.includes('--broken-only');
const { name } = await loadBackend({ backend: 'auto' });
console.log(`backend: ${name}`);

let passed = 0;
let failed = 0;
const report = (ok, line) => {
  ok ? passed++ : failed++;
  console.log(`${ok ? 'ok    ' : 'FAILED'} ${line}`);
};

for (const check of LEARNING_CHECKS.filter((each) => only === undefined || each.name.includes(only))) {
  if (!brokenOnly) {
    for (const seed of check.seeds) {
      const { meanReturn, seconds } = await createLearningCheck(check, { seed }).run();
      report(
        meanReturn >= check.threshold,
        `${check.name}, seed ${seed}: mean return ${meanReturn.toFixed(2)}, expected at least ${check.threshold} (${seconds.toFixed(0)} s)`,
      );
    }
  }
  for (const broken of check.breaks) {
    const { meanReturn, seconds } = await createLearningCheck(check, { seed: check.seeds[0], broken }).run();
    report(
      meanReturn < check.threshold,
      `${check.name} with a broken ${broken}: mean return ${meanReturn.toFixed(2)}, expected below ${check.threshold} (${seconds.toFixed(0)} s)`,
    );
  }
}
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed === 0 ? 0 : 1;
