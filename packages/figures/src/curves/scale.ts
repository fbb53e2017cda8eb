// Axis arithmetic for plots: round tick positions and their labels.

/** Round numbers (1, 2 or 5 times a power of ten) that cover `[low, high]` in about `wanted` steps. */
export function ticks(low: number, high: number, wanted = 6): number[] {
  const span = high - low;
  if (!(span > 0)) return [low];
  const rough = span / wanted;
  const magnitude = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].find((factor) => factor * magnitude >= rough)! * magnitude;
  const result: number[] = [];
  for (let index = Math.ceil(low / step - 1e-9); index * step <= high + step * 1e-9; index++)
    result.push(Number((index * step).toPrecision(12)));
  return result;
}

/** `20k`, `1.5M`, `0.25`. */
export function tickLabel(value: number): string {
  const size = Math.abs(value);
  if (size >= 1e6) return `${Number((value / 1e6).toPrecision(4))}M`;
  if (size >= 1e4) return `${Number((value / 1e3).toPrecision(4))}k`;
  return String(Number(value.toPrecision(6)));
}

/** Maps `[low, high]` linearly to `[from, to]`. */
export function linearScale(low: number, high: number, from: number, to: number): (value: number) => number {
  const factor = high === low ? 0 : (to - from) / (high - low);
  return (value) => from + (value - low) * factor;
}
