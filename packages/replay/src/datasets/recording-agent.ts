// Records what an agent experiences while it trains, whatever agent it is.
import type { Agent } from '@moe-rl/core';
import type { ReplayStep } from '../replay-interface.ts';

/** Takes in steps: a `TransitionWriter`, a `DatasetRecorder`. */
export interface StepWriter {
  add(step: ReplayStep): Promise<void>;
}

/**
 * The same agent, whose every observed transition is written down first. Evaluation is not recorded: nothing is observed then.
 * Use it in the run loop in the agent's place; whoever made the agent keeps it for everything else.
 */
export function recordingAgent(agent: Agent, writer: StepWriter): Agent {
  return {
    get trainingAgentSteps() {
      return agent.trainingAgentSteps;
    },
    get updates() {
      return agent.updates;
    },
    act: (observation, mode) => agent.act(observation, mode),
    async observe(transition) {
      await writer.add(transition);
      return agent.observe(transition);
    },
    getState: () => agent.getState(),
    setState: (state) => agent.setState(state),
    dispose: () => agent.dispose(),
  };
}
