// The program in a model's reply: the first fenced block (Text2Reward, arXiv 2309.11489).

/**
 * The text of the first fenced code block, without its fences; undefined where there is none, or where it never ends. A fence is three or more backticks or
 * tildes at the start of a line (up to three spaces before it), and closes with at least as many of the same, as in CommonMark.
 */
export function firstFencedBlock(reply: string): string | undefined {
  const lines = reply.split(/\r?\n/);
  for (let start = 0; start < lines.length; start++) {
    const fence = /^ {0,3}(`{3,}(?=[^`]*$)|~{3,})/.exec(lines[start]!)?.[1];
    if (fence === undefined) continue;
    const isEnd = (line: string): boolean => {
      const [, closing] = /^ {0,3}(`{3,}|~{3,})[ \t]*$/.exec(line) ?? [];
      return closing !== undefined && closing[0] === fence[0] && closing.length >= fence.length;
    };
    const length = lines.slice(start + 1).findIndex(isEnd);
    return length === -1 ? undefined : `${lines.slice(start + 1, start + 1 + length).join('\n')}\n`;
  }
  return undefined;
}
