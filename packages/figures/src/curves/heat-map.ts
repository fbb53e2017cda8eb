// Heat maps: values on grids of cells side by side, one color scale for all, blue below 0 and red above.
import { NonFiniteError } from '@moe-rl/core';
import { escapeXml } from './escape.ts';
import { at, svgText } from './figure.ts';

export interface HeatMapPanel {
  readonly title: string;
  /** Rows from the top, each from the left; undefined: no cell there. */
  readonly values: readonly (readonly (number | undefined)[])[];
}

export interface HeatMapConfig {
  readonly title: string;
  /** Names beside the rows of the first panel. */
  readonly rowNames?: readonly string[];
  /** Width of a cell in picture units. Default: 22 to 44, by the number of columns. */
  readonly cellSize?: number;
}

const GAP = 28;
const TOP = 84;

/**
 * Draws the panels as SVG. Each cell carries its value as a title, and as text where there is room.
 * @throws NonFiniteError for a value that has no color, naming panel, row and column
 */
export function heatMapSvg(panels: readonly HeatMapPanel[], { title, rowNames = [], cellSize }: HeatMapConfig): string {
  const columns = Math.max(1, ...panels.flatMap(({ values }) => values.map((row) => row.length)));
  const rows = Math.max(1, ...panels.map(({ values }) => values.length));
  const size = cellSize ?? Math.max(22, Math.min(44, Math.floor(620 / columns)));
  for (const { title, values } of panels) requireColors(title, values);
  const known = panels.flatMap(({ values }) => values.flat()).filter((value) => value !== undefined);
  const extreme = known.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  const left = rowNames.length === 0 ? 24 : 24 + 9 * Math.max(...rowNames.map((name) => name.length));
  // Long rows go below each other, others side by side.
  const isStacked = columns * size > 320;
  const panelWidth = columns * size + GAP;
  const panelHeight = rows * size + GAP + 20;
  const width = Math.max(480, left + (isStacked ? panelWidth : panelWidth * panels.length) + 24);
  const height = TOP + panelHeight * (isStacked ? panels.length : 1) + 8;
  const marks: string[] = [];
  for (const [index, panel] of panels.entries()) {
    const x0 = left + (isStacked ? 0 : index * panelWidth);
    const y0 = TOP + (isStacked ? index * panelHeight : 0);
    marks.push(svgText(x0, y0 - 8, panel.title, 'start'));
    for (const [row, values] of panel.values.entries()) {
      if ((index === 0 || isStacked) && rowNames[row] !== undefined) {
        marks.push(svgText(x0 - 8, y0 + (row + 0.5) * size + 5, rowNames[row], 'end'));
      }
      for (const [column, value] of values.entries()) {
        if (value === undefined) continue;
        const [x, y] = [x0 + column * size, y0 + row * size];
        marks.push(
          `<rect x="${at(x)}" y="${at(y)}" width="${size}" height="${size}" fill="${heatColor(value, extreme)}" stroke="#c9ced4"><title>${label(value)}</title></rect>`,
        );
        // What has no color of its own is rounding, and would only run over its neighbors.
        if (size >= 36 && Math.abs(value) >= 0.005 * extreme && value !== 0) {
          marks.push(
            `<text x="${at(x + size / 2)}" y="${at(y + size / 2 + 4)}" font-size="10" text-anchor="middle" fill="#20262d">${label(value)}</text>`,
          );
        }
      }
    }
  }
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${at(width)} ${at(height)}" width="${at(width)}" height="${at(height)}" font-family="DejaVu Sans, Verdana, sans-serif" font-size="13">`,
    `<rect width="${at(width)}" height="${at(height)}" fill="#ffffff"/>`,
    `<text x="24" y="28" font-size="17" fill="#20262d">${escapeXml(title)}</text>`,
    ...scaleMarks(extreme),
    ...marks,
    '</svg>',
    '',
  ].join('\n');
}

function requireColors(title: string, values: HeatMapPanel['values']): void {
  for (const [row, cells] of values.entries()) {
    const column = cells.findIndex((value) => value !== undefined && !Number.isFinite(value));
    if (column >= 0)
      throw new NonFiniteError(
        `panel ${title}, row ${row}, column ${column} is ${cells[column]}; expected a finite number`,
      );
  }
}

/** The color scale below the title. */
function scaleMarks(extreme: number): string[] {
  const steps = 21;
  const rects = Array.from({ length: steps }, (_, index) => {
    const value = extreme * ((2 * index) / (steps - 1) - 1);
    return `<rect x="${72 + index * 8}" y="40" width="8" height="12" fill="${heatColor(value, extreme)}"/>`;
  });
  return [svgText(66, 51, label(-extreme), 'end'), ...rects, svgText(72 + steps * 8 + 6, 51, label(extreme), 'start')];
}

/** White at 0; towards blue below and red above. */
function heatColor(value: number, extreme: number): string {
  const share = extreme === 0 ? 0 : Math.min(1, Math.abs(value) / extreme);
  const [red, green, blue] = value < 0 ? [33, 102, 172] : [178, 24, 43];
  const mix = (channel: number): number => Math.round(255 + (channel - 255) * share);
  return `rgb(${mix(red)},${mix(green)},${mix(blue)})`;
}

function label(value: number): string {
  return String(Number(value.toPrecision(2)));
}
