// The report of an experiment: one HTML page that needs nothing else, and every figure as SVG, PNG and CSV beside it.
import { join } from 'node:path';
import { makeFolder, replaceFile, writeFileSynced } from '@moe-rl/core/node';
import { svgToPng } from '@moe-rl/figures';
import type { ExperimentFolder } from '../plan/experiment-folder.ts';
import { analyze } from '../results/analysis.ts';
import type { Overlay } from '../results/overlays.ts';
import { readResults, type ScoreKind } from '../results/results.ts';
import { referencePoints } from '../suites/reference-scores.ts';
import { networkFigures } from './network-figures.ts';
import { reportHtml } from './page.ts';
import { scoreFigures } from './score-figures.ts';

export interface ReportOptions {
  readonly folder: ExperimentFolder;
  /** Where it is written. Default: `report/` in the experiment's folder. */
  readonly outputFolder?: string;
  readonly scoreKind?: ScoreKind;
  readonly overlays?: readonly Overlay[];
  /** PNG files too; they take most of the time. Default true. */
  readonly png?: boolean;
}

/**
 * Writes the report of what is finished so far.
 * @returns the path of the page
 * @throws StorageError when a file can't be written
 */
export async function writeReport(options: ReportOptions): Promise<string> {
  const { folder, outputFolder = folder.reportFolder, scoreKind = 'final', overlays = [], png = true } = options;
  const results = readResults(folder, scoreKind);
  const analysis = analyze(results, (game) => referencePoints(game)?.source);
  const figures = [...scoreFigures(results, analysis, overlays), ...networkFigures(results)];
  const figuresFolder = join(outputFolder, 'figures');
  makeFolder(figuresFolder);
  for (const { name, svg, csv } of figures) {
    // Figures can be made again: they need not be synced one by one.
    writeFileSynced(join(figuresFolder, `${name}.svg`), svg);
    writeFileSynced(join(figuresFolder, `${name}.csv`), csv);
    if (png) writeFileSynced(join(figuresFolder, `${name}.png`), await svgToPng(svg, PNG_SCALE));
  }
  const page = join(outputFolder, 'index.html');
  replaceFile(page, reportHtml(results, analysis, figures));
  return page;
}

/** Twice the size of the picture: enough for print. */
const PNG_SCALE = 2;
