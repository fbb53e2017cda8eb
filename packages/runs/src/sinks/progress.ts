// Shows how a run is going: a bar that redraws itself on a terminal, a plain line now and then elsewhere.

import type { RunStatistics } from '../metrics/run-statistics.ts';
import { createStatusLine, type ProgressOutput, type StatusLine } from './status-line.ts';
import { count, duration, number } from './text.ts';

export interface Progress {
  update(agentSteps: number): void;
  /** Prints a line above the bar. */
  log(line: string): void;
  /** The line itself, for something else that takes its time (an evaluation). */
  readonly status: StatusLine;
  end(agentSteps: number): void;
}

/** Progress of a training run towards `totalAgentSteps`: a bar with rate and ETA on a terminal, a plain line now and then elsewhere. */
export function createProgress(options: {
  readonly output: ProgressOutput;
  /** What is trained; not shown where the output itself says whose it is. */
  readonly label: string;
  readonly totalAgentSteps: number;
  readonly startAgentSteps: number;
  readonly statistics: RunStatistics;
}): Progress {
  const { output, totalAgentSteps, statistics } = options;
  const label = output.createStatusLine === undefined ? `${options.label} ` : '';
  const statusLine = createStatusLine(output);
  // The rate over the last few seconds, so that it follows the change from warm-up to learning; evaluations are no time of training.
  const nowMs = (): number => 1000 * statistics.elapsedSeconds();
  const marks: { time: number; agentSteps: number }[] = [{ time: nowMs(), agentSteps: options.startAgentSteps }];

  const rate = (now: number, agentSteps: number): number => {
    marks.push({ time: now, agentSteps });
    while (marks.length > 2 && now - marks[0]!.time > 15_000) marks.shift();
    const [first] = marks;
    return (agentSteps - first!.agentSteps) / Math.max(1e-3, (now - first!.time) / 1000);
  };
  const status =
    (agentSteps: number) =>
    (columns?: number): string => {
      const stepsPerSecond = rate(nowMs(), agentSteps);
      const text = statusText(label, agentSteps, totalAgentSteps, stepsPerSecond, statistics);
      return columns === undefined ? text : withBar(text, agentSteps / totalAgentSteps, columns);
    };
  return {
    update(agentSteps) {
      statusLine.update(status(agentSteps));
    },
    log: statusLine.log,
    status: statusLine,
    end(agentSteps) {
      statusLine.show(status(agentSteps));
      statusLine.end();
    },
  };
}

function statusText(
  label: string,
  agentSteps: number,
  total: number,
  stepsPerSecond: number,
  statistics: RunStatistics,
): string {
  const parts = [`${label}${Math.floor((100 * agentSteps) / total)}%`, `${count(agentSteps)}/${count(total)} steps`];
  parts.push(`${statistics.episodes} episodes`);
  const meanReturn = statistics.meanReturn();
  if (!Number.isNaN(meanReturn)) parts.push(`return ${number(meanReturn)}`);
  const loss = statistics.latest('train/loss');
  if (loss !== undefined) parts.push(`loss ${number(loss)}`);
  const epsilon = statistics.latest('train/epsilon');
  if (epsilon !== undefined) parts.push(`epsilon ${epsilon.toFixed(2)}`);
  parts.push(`${number(stepsPerSecond)}/s`);
  if (agentSteps < total && stepsPerSecond > 0) parts.push(`${duration((total - agentSteps) / stepsPerSecond)} left`);
  parts.push(`${Math.round(process.memoryUsage.rss() / 1e6)} MB`);
  return parts.join('  ');
}

/** Puts a bar before the text when both fit. */
function withBar(text: string, fraction: number, columns: number): string {
  const width = Math.min(30, columns - text.length - 2);
  if (width < 5) return text;
  const filled = Math.round(Math.min(1, fraction) * width);
  return `${'█'.repeat(filled)}${'░'.repeat(width - filled)} ${text}`;
}
