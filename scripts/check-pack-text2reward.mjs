// Installs @moe-rl/text2reward as users do: packs it (and core) with npm, installs the tarballs into an empty project outside the workspace, and runs an ESM and
// a CommonJS consumer that write a reward from a stub server and from a recorded reply, and run it in the sandbox. Needs built packages. Prints `N passed, N failed`.
import { checkConsumers } from './pack/consumers.mjs';

const PROGRAM = `
import { findDescription, recordedReplies, writeReward } from '@moe-rl/text2reward';
import { serverModel } from '@moe-rl/text2reward/models';
import { startStubServer } from '@moe-rl/text2reward/testing';
const reply = '\`\`\`js\\nfunction computeReward(env) { return env.ball.row / 9 }\\n\`\`\`';
const state = { ballRow: 0, ballColumn: 2, paddleColumn: 2 };
const step = () => ({ observation: new Float32Array(1), reward: 0, terminated: ++state.ballRow === 9, truncated: false, info: {} });
const environment = { id: 'a/game', observationSpec: { frameShape: [1], stackSize: 1, dtype: 'float32' }, actionCount: 3, step, peekState: () => state };
environment.reset = () => { state.ballRow = 0; return { observation: new Float32Array(1), info: {} }; };
const request = { description: findDescription('bsuite/catch'), environment, goal: 'Fall', checkAgentSteps: 9 };
(async () => {
  const server = await startStubServer([{ text: reply }]);
  const model = serverModel({ url: server.url, model: 'stub', isStreaming: true });
  const one = await writeReward({ ...request, model });
  const two = await writeReward({ ...request, model: recordedReplies([reply]) });
  await server.close();
  console.log(one.report.maximum, one.source === two.source);
})();
`;

checkConsumers({ packages: ['core', 'text2reward'], program: PROGRAM, expected: '1 true' });
