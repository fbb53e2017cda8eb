// A reward design: what is seldom seen is worth more, scale / sqrt(times seen) on top of the environment's own reward.
// `moe-rl train --module docs/extending/count-bonus.mjs --reward count-bonus --set reward.scale=0.05`. Reported and evaluated is the environment's own.
const version = 1;

function countBonus(scale) {
  let seen = new Map();
  return {
    reward({ reward, nextObservation }) {
      const key = nextObservation.join();
      const times = (seen.get(key) ?? 0) + 1;
      seen.set(key, times);
      return reward + scale / Math.sqrt(times);
    },
    metrics: () => ({ 'reward/places': seen.size }),
    getState: () => ({ kind: 'count-bonus', version, seen: JSON.stringify([...seen]) }),
    setState(state) {
      seen = new Map(JSON.parse(state.seen));
    },
  };
}

export function register({ rewards, metrics, setting }) {
  metrics.register('reward/places', { unit: 'observations', description: 'Different observations so far' });
  const settings = { scale: setting.positive('Bonus of what was never seen', 0.1) };
  const create = (request) => countBonus(request.settings.scale);
  rewards.register('count-bonus', { description: 'A bonus for what is seldom seen', settings, create });
}
