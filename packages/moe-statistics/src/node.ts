// What of @moe-rl/moe-statistics needs Node: CSV files.
export { type CsvColumns, type CsvSamples, parseCsv, readCsv } from './csv.ts';
