// An environment of one's own: walk to the right end of a corridor. getState and setState make a resume exact; without them a new episode begins there.
const makeCorridor = ({ length }) => {
  let [position, steps] = [0, 0];
  const observe = () => Float32Array.of(position / length, steps / 50);
  return {
    id: 'my/corridor',
    observationSpec: { frameShape: [2], stackSize: 1, dtype: 'float32' },
    actionCount: 2,
    reset() {
      [position, steps] = [0, 0];
      return { observation: observe(), info: {} };
    },
    step(action) {
      position = Math.max(0, position + (action === 1 ? 1 : -1));
      const terminated = position >= length;
      return { observation: observe(), reward: terminated ? 1 : -0.01, terminated, truncated: ++steps >= 50, info: {} };
    },
    getState: () => ({ position, steps }),
    setState(state) {
      [position, steps] = [state.position, state.steps];
    },
  };
};

export function register({ environments, setting }) {
  const settings = { length: setting.integer('Cells to the right end', 5, { maximum: 40 }) };
  const create = (request) => makeCorridor(request.settings);
  environments.register('corridor', { description: 'A corridor', games: ['my/corridor'], settings, create });
}
