import { describe, expect, it } from 'vitest';
import { didYouMean, nearMatches } from './near-names.ts';

describe('near names', () => {
  const games = ['breakout', 'space_invaders', 'seaquest', 'pong'];

  it('finds what was misspelled, nearest first, and nothing where nothing is near', () => {
    expect(nearMatches('braekout', games)).toEqual(['breakout']);
    expect(nearMatches('spaceinvaders', games)).toEqual(['space_invaders']);
    expect(nearMatches('pon', games)).toEqual(['pong']);
    expect(nearMatches('pogn', games)).toEqual(['pong']);
    expect(nearMatches('montezuma', games)).toEqual([]);
    // A letter is in most names, and short names are all a few letters apart.
    for (const name of ['', '?', 'a', 'on', 'song!', 'king'])
      expect(nearMatches(name, [...games, 'ping']), name).not.toContain('breakout');
    expect(nearMatches('e', games)).toEqual([]);
    expect(nearMatches('red', ['rod', 'green', 'read'])).toEqual(['read', 'rod']);
    expect(nearMatches('dqn', ['drq', 'dqn-soft-moe', 'der'])).toEqual(['dqn-soft-moe']);
  });
  it('gives at most as many as asked for', () => {
    expect(nearMatches('agent.gama', ['agent.gamma', 'agent.gammas', 'agent.gam'], 2)).toHaveLength(2);
  });
  it('asks, or keeps silent', () => {
    expect(didYouMean('seequest', games)).toBe('; did you mean seaquest?');
    expect(didYouMean('xyzzy', games)).toBe('');
  });
});
