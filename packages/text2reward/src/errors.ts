// What can be wrong with a reward program or with the model that writes one, by name.
import { MoeRlError } from '@moe-rl/core';

/** What a reward program did: switch on it rather than on the message. */
export type RewardFault =
  /** It is no JavaScript. */
  | 'syntax'
  /** It defines no function `computeReward`. */
  | 'no-function'
  /** It threw something of its own. */
  | 'threw'
  /** It read a name, or a field of the environment, that is not there. */
  | 'unknown-name'
  /** It went on beyond the limit of steps: an endless loop, mostly. */
  | 'step-limit'
  /** It took longer than the limit. */
  | 'time-limit'
  /** It needed more memory than the limit. */
  | 'memory-limit'
  /** It called itself too deeply. */
  | 'stack-limit'
  /** It returned a promise. */
  | 'promise'
  /** It returned something that is no number. */
  | 'no-number'
  /** It returned NaN or an infinite number. */
  | 'not-finite'
  /** It returned a number beyond the limit. */
  | 'too-large'
  /** The engine itself broke. */
  | 'engine';

/** A reward program was refused. The program it belongs to, the fault and, where there is one, the agent step are in the message. */
export class RewardProgramError extends MoeRlError {
  readonly fault: RewardFault;

  constructor(fault: RewardFault, message: string, options?: ErrorOptions) {
    super('REWARD_PROGRAM', message, options);
    this.fault = fault;
  }
}

/** What went wrong between us and a language model. */
export type LanguageModelFault =
  /** Nobody listens there, or the connection could not be made. */
  | 'unreachable'
  /** No answer in time. */
  | 'timeout'
  /** The answer broke off. */
  | 'cut-off'
  /** The answer is a web page. */
  | 'html'
  /** The answer is not what the protocol says. */
  | 'malformed'
  /** The server refused: the status and its words are in the message. */
  | 'refused'
  /** The answer has no text. */
  | 'empty'
  /** The answer is longer than the limit. */
  | 'too-long'
  /** There are no more recorded replies. */
  | 'no-recording';

/** A language model gave no usable answer. */
export class LanguageModelError extends MoeRlError {
  readonly fault: LanguageModelFault;

  constructor(fault: LanguageModelFault, message: string, options?: ErrorOptions) {
    super('LANGUAGE_MODEL', message, options);
    this.fault = fault;
  }
}

/** Every attempt at a program failed; the last failure is the `cause`. */
export class RetriesExhaustedError extends MoeRlError {
  constructor(message: string, options?: ErrorOptions) {
    super('RETRIES_EXHAUSTED', message, options);
  }
}
