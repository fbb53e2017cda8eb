// What the household answers to an action: the texts that a learner of feedback learns.

/**
 * The four kinds of rejection: an object that isn't there (or a sentence that can't be read), an action that isn't among the abilities, a wrong number of
 * objects, a precondition that doesn't hold.
 */
export const ERROR_KINDS = ['object', 'action', 'arguments', 'precondition'] as const;
export type ErrorKind = (typeof ERROR_KINDS)[number];

export type Feedback =
  | { readonly kind: 'true' | 'finished'; readonly text: string }
  | { readonly kind: ErrorKind; readonly text: string };

export const TRUE: Feedback = { kind: 'true', text: 'True' };
export const FINISHED: Feedback = { kind: 'finished', text: 'Task finished' };

/** `Error, <reason>` */
export const rejection = (kind: ErrorKind, reason: string): Feedback => ({ kind, text: `Error, ${reason}` });

export const isRejection = (feedback: Feedback): boolean => feedback.kind !== 'true' && feedback.kind !== 'finished';

/** Whether a feedback text, a simulator's or a model's, says that the action fails: whether it contains "Error". */
export const saysError = (text: string): boolean => /\berror\b/i.test(text);
