// What a run logs, and who takes it: the contract between the training loop, the files and displays behind it, and the figures drawn of them.

/** One line of `metrics.jsonl`: the training progress it belongs to, and values by tag (`noun/measure`). */
export interface MetricRow {
  readonly agentSteps: number;
  readonly values: Readonly<Record<string, number>>;
}

/** Takes metric rows: a file, an event file, a display. */
export interface MetricSink {
  write(row: MetricRow): void;
}
