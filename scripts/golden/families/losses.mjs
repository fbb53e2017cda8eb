// The folder `losses` holds vectors of the replay too; each part checks its own.
import agents from './losses-agents.mjs';
import replay from './replay.mjs';

export default {
  descriptions: [...agents.descriptions, ...replay.descriptions],
  *checks(given) {
    yield* agents.checks(given);
    yield* replay.checks(given);
  },
};
