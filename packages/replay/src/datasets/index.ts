// Offline datasets: transitions as Parquet, written and read in memory or through streams; runs anywhere.
export {
  type DatasetSource,
  type Outcome,
  readDatasetInfo,
  readOutcomes,
  readTransitions,
} from './transition-reader.ts';
export { type DatasetInfo, TRANSITION_COLUMNS } from './transition-schema.ts';
export { TransitionWriter, type TransitionWriterConfig } from './transition-writer.ts';
