// Metrics of plans against an expert's: agreement and executability.
import {
  longestCommonSubsequence,
  planAgreement,
  stepExecutability,
  taskExecutability,
} from '../../../packages/error-correction/src/index.ts';

export default {
  e2cl_metrics(entry) {
    entry.describes('note');
    const [generated, expert] = [entry.given('generated'), entry.given('expert')];
    entry.expect('lcs', longestCommonSubsequence(generated, expert));
    entry.expect('lcs_over_max_len', planAgreement(generated, expert));
    const flags = entry.given('success_flags');
    entry.expect('step_executability', stepExecutability(flags));
    entry.expect('task_executability', taskExecutability(flags));
  },
};
