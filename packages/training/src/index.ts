// Public entry of @moe-rl/training: a run put together from its configuration.
export { findGames, makeEnvironment } from './games.ts';
export {
  drawCurve,
  type EvaluationPair,
  type EvaluationSummary,
  finishRun,
  type TrainedSession,
  trainInFolder,
} from './run-session.ts';
export { loadTrainedAgent, openSession, type Session } from './session.ts';
