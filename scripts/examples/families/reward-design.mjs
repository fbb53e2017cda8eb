// Reward design: EXPRD's gaps, informativeness and invariance, EXPADARD's criterion, ExploRS's bonus and self-supervised update, each on a small process.
import {
  adaptiveInformativeness,
  createMdp,
  designTarget,
  epsilonGreedy,
  horizonGaps,
  informativeness,
  returnsToGo,
  rewardTable,
  selfSupervisedUpdate,
  shapedRewards,
  stateOccupancy,
  teacherAdvantages,
  valueIteration,
  visitBonus,
} from '../../../packages/reward-design/src/index.ts';
import { nest } from '../entry.mjs';

const LEFT = 0;
const RIGHT = 1;

/** The process of an example: states 0 to n_states - 1, and the end behind them. */
function processOf(entry) {
  const rewards = entry.given('R_orig');
  const count = entry.given('n_states');
  return createMdp({
    discount: entry.given('gamma'),
    rewards,
    transitions: entry.given('next_state'),
    terminalStates: rewards.flatMap((_, state) => (state < count ? [] : [state])),
    start: entry.maybe('start_state') ?? 0,
  });
}

const rows = ({ stateCount, actionCount }, table) => nest(Array.from(table), [stateCount, actionCount]);

export default {
  exprd_chain(entry) {
    entry.describes('states');
    const mdp = processOf(entry);
    const count = entry.given('n_states');
    const target = designTarget(mdp);
    const { values, actionValues } = target.solution;
    entry.expect('V_star', values);
    entry.expect('Q_star', rows(mdp, actionValues));
    const ofLeft = (gaps) =>
      rows(mdp, gaps)
        .slice(0, count)
        .map((row) => row[LEFT]);
    entry.expect('delta_inf_left', ofLeft(target.gaps));
    const shaped = shapedRewards(mdp);
    entry.expect('R_pbrs', rows(mdp, shaped));
    const horizons = entry.given('H');
    const crafted = rewardTable(mdp, entry.given('R_crafted'));
    entry.expect('I_orig', informativeness(target, mdp.rewards, horizons));
    entry.expect('I_pbrs', informativeness(target, shaped, horizons));
    entry.expect('I_crafted', informativeness(target, crafted, horizons));
    for (const [name, rewards] of [
      ['h_step_gap_orig', mdp.rewards],
      ['h_step_gap_pbrs', shaped],
    ]) {
      const stated = entry.at(name);
      for (const h of stated.keys) stated.expect(h, ofLeft(horizonGaps(target, rewards, Number(h))));
    }
    const paid = entry.at('crafted');
    for (const [key, [, state, action]] of paid.matching(/^R\((\d+),(left|right)\)$/)) {
      paid.expect(key, crafted[Number(state) * mdp.actionCount + (action === 'left' ? LEFT : RIGHT)]);
    }
    const solved = valueIteration(mdp, crafted);
    entry.expect('crafted_Q', rows(mdp, solved.actionValues));
    const isRight = rows(mdp, solved.isOptimal)
      .slice(0, count)
      .every((row) => row[RIGHT] === 1);
    entry.expect('crafted_invariant_right_optimal', isRight);
  },

  expadard_chain(entry) {
    entry.describes('learner');
    const mdp = processOf(entry);
    const count = entry.given('n_states');
    const solution = valueIteration(mdp);
    const policy = rewardTable(mdp, entry.given('learner_policy'));
    const teacherEpsilon = entry.given('eps_greedy');
    entry.expect('mu_T', stateOccupancy(mdp, epsilonGreedy(mdp, solution.isOptimal, teacherEpsilon)));
    entry.expect('mu_L', stateOccupancy(mdp, policy));
    entry.expect('A_T', rows(mdp, teacherAdvantages(solution)).slice(0, count));
    for (const name of ['orig', 'pbrs', 'crafted']) {
      const rewards = rewardTable(mdp, entry.given(`R_${name}`));
      entry.expect(`I_${name}`, adaptiveInformativeness(mdp, solution, policy, rewards, { teacherEpsilon }));
    }
  },

  explors(entry) {
    const [scale, largest] = [entry.given('lambda_'), entry.given('R_max')];
    const bonus = entry.at('bonus');
    for (const visits of bonus.keys) bonus.expect(visits, visitBonus(Number(visits), scale, largest));
    const discount = entry.given('gamma');
    const steps = entry.given('episode');
    const rewards = entry.given('rewards');
    entry.expect('G_bar', returnsToGo(rewards, discount));
    const phi = Float64Array.from(entry.given('phi_before').flat());
    const critic = Float64Array.from(entry.given('V_before'));
    const episode = { states: steps.map(([state]) => state), actions: steps.map(([, action]) => action), rewards };
    selfSupervisedUpdate(phi, critic, [episode], entry.given('policy').flat(), {
      discount,
      learningRate: entry.given('eta'),
      criticLearningRate: entry.given('eta_critic'),
    });
    entry.expect('phi_after', nest(Array.from(phi), [critic.length, phi.length / critic.length]));
    entry.expect('V_after', critic);
  },
};
