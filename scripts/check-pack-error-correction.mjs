// Installs @moe-rl/error-correction as users do: packs it (and what it needs of ours) with npm, installs the tarballs into an empty project outside the
// workspace, and runs an ESM and a CommonJS consumer: a plan is checked, the network answers, a model server that is down is named. Needs built
// packages. Prints `N passed, N failed`.
import { checkConsumers } from './pack/consumers.mjs';

const PROGRAM = `
import { checkPlan, createRng, demonstrate, drawArrangement, planExamples, taskByInstruction } from '@moe-rl/error-correction';
import { createLanguageModelRoles } from '@moe-rl/error-correction/language-model';
import { requireSettings } from '@moe-rl/error-correction/node';
import { createPolicy } from '@moe-rl/error-correction/tfjs';
import '@tensorflow/tfjs-backend-cpu';
const task = taskByInstruction('wash cup');
const world = drawArrangement(createRng(1), task);
const { steps } = checkPlan(world, ['grab unicorn'], task);
const examples = planExamples(demonstrate([{ task, world }])).slice(0, 2);
const network = { wordSize: 8, size: 8, heads: 2, hiddenSize: 8, mixture: { type: 'soft', experts: 2, hiddenSize: 4 } };
async function main() {
  const policy = await createPolicy({ seed: 1, batchSize: 2, network });
  const [reply] = await policy.roles.plan([examples[0].question]);
  const down = createLanguageModelRoles({ url: 'http://127.0.0.1:1/v1', model: 'none', retries: 0 });
  const { code } = await down.plan([examples[0].question]).catch((error) => error);
  console.log(steps[0].feedback.text, typeof reply, code, requireSettings({}).seed);
}
main();
`;

checkConsumers({
  packages: ['core', 'tensor-ops', 'moe-core', 'soft-moe', 'top-k-moe', 'tfjs-graph', 'error-correction'],
  others: { '@tensorflow/tfjs-core': '4', '@tensorflow/tfjs-backend-cpu': '4' },
  program: PROGRAM,
  expected: 'Error, there is no unicorn string MODEL_SERVER 1',
});
