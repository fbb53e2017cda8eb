// The three roles that one model plays: it plans, it foresees what the household will answer, and it corrects itself. A small network of ours and a language
// model server both implement them.

/** What a role knows of an episode at one moment, in words. */
export interface Situation {
  readonly instruction: string;
  /** Lines of the present state (`observe`). */
  readonly observation: readonly string[];
  /** Actions so far, oldest first, rejected ones too. */
  readonly history: readonly string[];
}

/** A question about an action. */
export interface Judgement extends Situation {
  readonly action: string;
}

/** A request for another action. */
export interface Correction extends Judgement {
  /** `Error, fridge is closed` */
  readonly feedback: string;
}

/** A model in its roles. Each takes several questions at once and answers them in their order. */
export interface Roles {
  /** The next action of each, or `END`. */
  plan(situations: readonly Situation[]): Promise<readonly string[]>;
  /** What the household would answer: `True`, `Task finished` or `Error, <reason>`. */
  judge(judgements: readonly Judgement[]): Promise<readonly string[]>;
  /** Actions in the place of rejected ones. */
  correct(corrections: readonly Correction[]): Promise<readonly string[]>;
}

/** The number of questions that a model was asked, by role. */
export interface CallCounts {
  plan: number;
  judge: number;
  correct: number;
}

/** The same roles, counted. */
export function countCalls(roles: Roles): { readonly roles: Roles; readonly calls: CallCounts } {
  const calls: CallCounts = { plan: 0, judge: 0, correct: 0 };
  return {
    calls,
    roles: {
      plan(situations) {
        calls.plan += situations.length;
        return roles.plan(situations);
      },
      judge(judgements) {
        calls.judge += judgements.length;
        return roles.judge(judgements);
      },
      correct(corrections) {
        calls.correct += corrections.length;
        return roles.correct(corrections);
      },
    },
  };
}
