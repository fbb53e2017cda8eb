// What is passed on of a failed program's words.
import { describe, expect, it } from 'vitest';
import { run } from './processes.ts';

/** A program that says `words` on standard error and fails. */
const complaintOf = (...words: string[]): string =>
  run(process.execPath, ['-e', `console.error(${JSON.stringify(words.join('\n'))}); process.exit(1)`]).complaint;

describe('a complaint', () => {
  it('is the line with the error, not remarks around it', () => {
    expect(complaintOf('a notice', 'ERROR: No matching distribution found for x', '', '[notice] pip is old')).toBe(
      'ERROR: No matching distribution found for x',
    );
    expect(complaintOf('one', 'two')).toBe('two');
  });

  it('tells the nearest and the deepest cause', () => {
    const causes = ['  cause: Failed to download `https://a/b`', '  cause: client error', '  cause: name not known'];
    expect(complaintOf('error: Request failed after 3 retries', ...causes)).toBe(
      'error: Request failed after 3 retries; cause: Failed to download `https://a/b`; cause: name not known',
    );
    expect(complaintOf('error: Request failed', '  Caused by: no route')).toBe(
      'error: Request failed; Caused by: no route',
    );
  });

  it('of a program that is not there says so', () => {
    expect(run('no-such-program', [])).toMatchObject({ status: null, complaint: expect.stringContaining('ENOENT') });
  });
});
