// An agent whose experience is written down while it trains, whatever agent it is.
import type { Agent } from './agent.ts';
import type { Transition } from './transition.ts';

/** Takes transitions in the order of their happening; the observations may change afterwards. */
export interface TransitionSink {
  add(transition: Transition): void | Promise<void>;
}

/**
 * The agent, with everything it observes recorded first. Evaluation is not: nothing is observed then. Use it in the run loop in the agent's place; whoever
 * made the agent keeps it for everything that is not part of `Agent`.
 */
export function recordedBy(sink: TransitionSink, agent: Agent): Agent {
  return {
    get trainingAgentSteps() {
      return agent.trainingAgentSteps;
    },
    get updates() {
      return agent.updates;
    },
    act: (observation, mode) => agent.act(observation, mode),
    async observe(transition) {
      await sink.add(transition);
      return agent.observe(transition);
    },
    getState: () => agent.getState(),
    setState: (state) => agent.setState(state),
    dispose: () => agent.dispose(),
  };
}
