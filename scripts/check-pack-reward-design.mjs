// Installs @moe-rl/reward-design as users do: packs it (and what it needs of ours) with npm, installs the tarballs into an empty project outside the workspace, and
// runs an ESM and a CommonJS consumer that solve a linear program and play under a designed reward. Needs built packages. Prints `N passed, N failed`.
import { checkConsumers } from './pack/consumers.mjs';

const PROGRAM = `
import { designExprd, designTarget, isInvariant, lineKey, tableDesign, tabularEnvironment, withDesignedReward } from '@moe-rl/reward-design';
const game = lineKey();
designExprd(game.mdp, { budget: 2, horizons: [1, 4] }).then(({ rewards, chosen }) => {
  const environment = tabularEnvironment(game, { seed: 1 });
  const designed = withDesignedReward(environment, tableDesign(environment, rewards));
  designed.reset();
  const { info } = designed.step(0);
  console.log(chosen.length, isInvariant(designTarget(game.mdp), rewards), info.trueReward);
});
`;

checkConsumers({ packages: ['core', 'small-environments', 'reward-design'], program: PROGRAM, expected: '2 true 0' });
