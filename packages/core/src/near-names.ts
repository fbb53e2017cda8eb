// "Did you mean": names near to one that is not known, for messages about misspelled games, presets and settings.

/** Up to `limit` of `choices` that are near to `name`, nearest first. */
export function nearMatches(name: string, choices: Iterable<string>, limit = 3): string[] {
  const wanted = normalize(name);
  const scored: { choice: string; distance: number }[] = [];
  for (const choice of choices) {
    const candidate = normalize(choice);
    const distance = isPartOf(wanted, candidate) ? 1 : editDistance(wanted, candidate);
    if (distance <= Math.max(1, Math.floor(wanted.length / 3))) scored.push({ choice, distance });
  }
  return scored
    .sort((left, right) => left.distance - right.distance || (left.choice < right.choice ? -1 : 1))
    .slice(0, limit)
    .map(({ choice }) => choice);
}

/** `; did you mean breakout, ...?` or nothing. */
export function didYouMean(name: string, choices: Iterable<string>): string {
  const near = nearMatches(name, choices);
  return near.length === 0 ? '' : `; did you mean ${near.join(' or ')}?`;
}

function normalize(name: string): string {
  return name.toLowerCase().replace(/[^a-z0-9.]/g, '');
}

/** True where one name holds the other; one or two letters are part of too many. */
function isPartOf(left: string, right: string): boolean {
  return Math.min(left.length, right.length) > 2 && (left.includes(right) || right.includes(left));
}

/** Letters put in, left out, taken for another, or changed with their neighbor (optimal string alignment), one row at a time. */
function editDistance(left: string, right: string): number {
  let before: number[] = [];
  let row = Array.from({ length: right.length + 1 }, (_, index) => index);
  for (let i = 1; i <= left.length; i++) {
    const next = [i];
    for (let j = 1; j <= right.length; j++) {
      next[j] = Math.min(row[j]! + 1, next[j - 1]! + 1, row[j - 1]! + (left[i - 1] === right[j - 1] ? 0 : 1));
      const isSwapped = i > 1 && j > 1 && left[i - 1] === right[j - 2] && left[i - 2] === right[j - 1];
      if (isSwapped) next[j] = Math.min(next[j]!, before[j - 2]! + 1);
    }
    before = row;
    row = next;
  }
  return row[right.length]!;
}
