// An evaluation as the commands run it: shows how far it is, also within an episode (the official limit is 27,000 agent steps, minutes of computing), and ends
// at any step when asked to.
import { createStatusLine, type ProgressOutput, type StatusLine } from '../sinks/status-line.ts';
import { count, number } from '../sinks/text.ts';
import { type EvaluateAgentOptions, type EvaluationOutput, evaluateAgent } from './evaluate-agent.ts';

export interface EvaluateVisiblyOptions extends Omit<EvaluateAgentOptions, 'onStep' | 'onEpisode'> {
  readonly name: string;
  readonly output: ProgressOutput;
  /** The status line to write to, where the caller has one already. */
  readonly status?: StatusLine;
  /** Prints a line per episode too. Default false. */
  readonly listsEpisodes?: boolean;
}

/**
 * Evaluates with a status line on `output`. An aborted evaluation gives what it has (`isComplete` false).
 * @throws the signal's reason when it aborts before an episode ended.
 */
export async function evaluateVisibly(options: EvaluateVisiblyOptions): Promise<EvaluationOutput> {
  const { name, output, status = createStatusLine(output), listsEpisodes = false, ...evaluation } = options;
  const { episodes, agentSteps } = evaluation;
  const of = episodes === undefined ? '' : ` of ${episodes}`;
  let endedAgentSteps = 0;
  try {
    return await evaluateAgent({
      ...evaluation,
      onStep({ episodeAgentSteps, episodeReturn, terminated, truncated }, endedEpisodes) {
        status.update(() => {
          const total =
            agentSteps === undefined
              ? ''
              : ` (${count(endedAgentSteps + episodeAgentSteps)}/${count(agentSteps)} in all)`;
          return `${name}: episode ${endedEpisodes + 1}${of}, agent step ${count(episodeAgentSteps)}${total}, return ${number(episodeReturn)} so far`;
        });
        if (terminated || truncated) endedAgentSteps += episodeAgentSteps;
      },
      onEpisode(endedEpisodes, episodeReturn) {
        if (listsEpisodes) status.log(`${name}: episode ${endedEpisodes}${of}, return ${number(episodeReturn)}`);
      },
    });
  } finally {
    status.clear();
  }
}
