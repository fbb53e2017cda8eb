// What of @moe-rl/moe-statistics needs Node: CSV files, and the rate studies on worker threads.
import { listenAsWorker } from './studies/worker.ts';

export { type CsvColumns, type CsvSamples, parseCsv, readCsv } from './csv.ts';
export { STUDY_NAMES, studyByName } from './studies/registry.ts';
export { readResultLines } from './studies/result-folder.ts';
export { type RunStudyOptions, runStudy, type StudyOutcome } from './studies/run-study.ts';
export {
  type ResultLine,
  type SeriesDefinition,
  type StudyAxis,
  type StudyDefinition,
  type StudyPlan,
  type StudyTask,
  type StudyValues,
  studyTasks,
} from './studies/study.ts';
export {
  axisValue,
  leastSquaresSlope,
  type SeriesPoint,
  type SeriesSummary,
  type StudyInterval,
  type StudySummary,
  summarizeStudy,
} from './studies/summary.ts';

listenAsWorker();
