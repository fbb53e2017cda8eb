// How a router's choices change over training, and how evenly its experts are used.
import { expertUtilization, routerChangeRate, routerSaturation } from '../../../packages/moe-core/src/index.ts';
import { routerBehavior } from '../../../packages/moe-statistics/src/index.ts';

export default {
  router_metrics(entry) {
    entry.describes('note');
    const [selected, experts] = [entry.given('k'), entry.given('n_experts')];
    const sets = ['sets_t', 'sets_t1', 'sets_final'].map((key) => entry.given(key));
    for (const tokens of sets.flat())
      if (tokens.length !== selected) throw new Error(`k is ${selected}; a token has ${tokens}`);
    const behavior = routerBehavior({ checkpoints: sets.map((checkpoint) => checkpoint.flat()), selected, experts });
    entry.expect('saturation_t', behavior.saturation[0]);
    entry.expect('saturation_t1', behavior.saturation[1]);
    entry.expect('change_rate', behavior.changeRate[0]);
    entry.expect('utilisation_t1', behavior.utilization[1]);
    entry.expect('jain', behavior.jain[1]);
    // The same by the functions that training runs log with.
    entry.expect('saturation_t', routerSaturation(sets[0], sets[2]));
    entry.expect('saturation_t1', routerSaturation(sets[1], sets[2]));
    entry.expect('change_rate', routerChangeRate(sets[0], sets[1]));
    entry.expect('jain', expertUtilization(behavior.utilization[1]));
    entry.expect(
      'jain_one_expert',
      expertUtilization(behavior.utilization[1].map((_, expert) => Number(expert === 0))),
    );
    entry.expect('jain_uniform', expertUtilization(new Array(experts).fill(1)));
  },
};
