// The order in which vitest starts test files. It has none of its own but their sizes where nothing was run before, as in `.ci/run`; a file of minutes that is
// started last then runs alone at the end, with the other processors idle.

/** Those that take half a minute and more, the longest first. */
export const LONG_TESTS = [
  'packages/ale-wasm/src/translator/translator.test.ts',
  'packages/agents/src/learning.test.ts',
  'apps/trainer/src/cli/offline.test.ts',
  'apps/trainer/src/cli/experiment-workers.test.ts',
  'packages/agents/src/value-agent/variants.test.ts',
  'packages/error-correction/src/runs/runs.test.ts',
  'packages/agents/src/golden.test.ts',
  'packages/ale-wasm/src/boot.test.ts',
  'apps/trainer/src/cli/modules.test.ts',
  'apps/trainer/src/cli/error-correction.test.ts',
  'apps/trainer/src/cli/cli.test.ts',
  'apps/trainer/src/cli/experiment.test.ts',
  'packages/experiments/src/runners/real-jobs.test.ts',
  'packages/agents/src/networks/routers.test.ts',
  'apps/trainer/src/cli/faults.test.ts',
  'apps/trainer/src/cli/exact-resume.test.ts',
];

/** @param BaseSequencer that of the running vitest */
export function longTestsFirst(BaseSequencer) {
  const rank = ({ moduleId }) => {
    const at = LONG_TESTS.findIndex((name) => moduleId.endsWith(name));
    return at === -1 ? LONG_TESTS.length : at;
  };
  return class extends BaseSequencer {
    async sort(files) {
      return (await super.sort(files)).sort((left, right) => rank(left) - rank(right));
    }
  };
}
