// An evaluation as the commands run it: shows how far it is, also within an episode (the official limit is 27,000 agent steps, minutes of computing), and ends
// at any step when asked to.
import { createStatusLine, type ProgressOutput } from '../sinks/status-line.ts';
import { count, number } from '../sinks/text.ts';
import { type EvaluateAgentOptions, type EvaluationOutput, evaluateAgent } from './evaluate-agent.ts';

/**
 * Evaluates with a status line on `output`.
 * @throws the signal's reason when it aborts.
 */
export async function evaluateVisibly(
  options: Omit<EvaluateAgentOptions, 'onStep' | 'onEpisode'> & {
    readonly name: string;
    readonly signal: AbortSignal;
    readonly output: ProgressOutput;
    /** Prints a line per episode too. Default false. */
    readonly listsEpisodes?: boolean;
  },
): Promise<EvaluationOutput> {
  const { name, signal, output, listsEpisodes = false, ...evaluation } = options;
  const { episodes } = evaluation;
  const status = createStatusLine(output);
  try {
    return await evaluateAgent({
      ...evaluation,
      onStep({ episodeAgentSteps, episodeReturn }, endedEpisodes) {
        signal.throwIfAborted();
        status.update(
          () =>
            `${name}: episode ${endedEpisodes + 1} of ${episodes}, agent step ${count(episodeAgentSteps)}, return ${number(episodeReturn)} so far`,
        );
      },
      onEpisode(endedEpisodes, episodeReturn) {
        if (listsEpisodes)
          status.log(`${name}: episode ${endedEpisodes} of ${episodes}, return ${number(episodeReturn)}`);
      },
    });
  } finally {
    status.clear();
  }
}
