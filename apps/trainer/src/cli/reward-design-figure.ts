// The picture of a study of reward designs: for `moe-rl reward-design study` and for docs/reward-design.md.
import { intervalsSvg } from '@moe-rl/figures';
import { type StudyResult, summarizeDesigns } from '@moe-rl/reward-design';

/** Mean episodes until optimal, for every learner and design. */
export function designStudySvg(title: string, results: readonly StudyResult[]): string {
  const summaries = summarizeDesigns(results);
  const learners = [...new Set(summaries.map(({ learner }) => learner))];
  return intervalsSvg(
    learners.map((learner) => ({
      title: learner,
      rows: summaries
        .filter((one) => one.learner === learner)
        .map(({ design, mean, low, high, reached, seeds }) => ({
          label: design,
          estimate: mean,
          low,
          high,
          ...(reached === seeds ? {} : { note: `${reached} of ${seeds}` }),
        })),
    })),
    { title: `${title}: episodes until the policy is optimal`, xLabel: 'episodes (mean and 95 % interval over seeds)' },
  );
}
