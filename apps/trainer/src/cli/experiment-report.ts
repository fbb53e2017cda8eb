// `moe-rl experiment report`: a page with every figure, of what is finished so far.
import { requireOneOf } from '@moe-rl/core';
import { openExperimentFolder, readOverlays, SCORE_KINDS, writeReport } from '@moe-rl/experiments';
import { note, print } from './terminal.ts';

interface ReportOptions {
  readonly output?: string;
  readonly score: string;
  readonly overlay: readonly string[];
  readonly png: boolean;
}

export async function experimentReport(path: string, options: ReportOptions): Promise<void> {
  const scoreKind = requireOneOf('--score', options.score, SCORE_KINDS);
  const overlays = options.overlay.flatMap(readOverlays);
  const folder = openExperimentFolder(path);
  note('writing the report');
  const page = await writeReport({
    folder,
    scoreKind,
    overlays,
    png: options.png,
    ...(options.output === undefined ? {} : { outputFolder: options.output }),
  });
  print(`\nreport: ${page}`);
}
