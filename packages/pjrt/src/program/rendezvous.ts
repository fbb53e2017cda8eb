// When the members of a batch run together. Members go their own ways between two calls (one explores while another asks its network), so a call waits until every
// member has one. Of different calls the cheapest runs first: who waits for the dearest is joined by the others on their way (but not for ever: another one may only act, in
// a long evaluation). Nothing that a member computes depends on who else takes part, so a member that stays away for long is not waited for.

/** What is done with the calls that met. */
export interface RendezvousOptions<Call> {
  /** Runs the calls of one entry point, by place, and settles each. Must not reject. */
  readonly execute: (entryName: string, calls: ReadonlyMap<number, Call>) => Promise<void>;
  readonly costOf: (entryName: string) => number;
  /** Calls wait so long for a member that is busy elsewhere; until its next call it is not waited for. */
  readonly patienceMs?: number;
}

const PATIENCE_MS = 250;
/** A call that was passed over so often for cheaper ones goes first: far more than the actions between two updates. */
const MAXIMUM_PASSED_OVER = 100;

/** Where the calls of the members of a batch meet. */
export class Rendezvous<Call extends { readonly entryName: string }> {
  readonly #options: RendezvousOptions<Call>;
  /** Calls of each member that have not begun, oldest first. */
  readonly #queues = new Map<number, Call[]>();
  readonly #away = new Set<number>();
  /** How often the oldest call of a member was passed over. */
  readonly #passedOver = new Map<number, number>();
  #isRunning = false;
  #timer: NodeJS.Timeout | undefined;

  constructor(options: RendezvousOptions<Call>) {
    this.#options = options;
  }

  /** A member comes; from now on others wait for it. */
  join(place: number): void {
    this.#queues.set(place, []);
  }

  /** A member leaves; returns its calls that will never run. */
  leave(place: number): readonly Call[] {
    const rest = this.#queues.get(place) ?? [];
    this.#queues.delete(place);
    this.#passedOver.delete(place);
    this.#away.delete(place);
    this.#meet();
    return rest;
  }

  call(place: number, call: Call): void {
    this.#queues.get(place)!.push(call);
    this.#away.delete(place);
    this.#meet();
  }

  #meet(isLate = false): void {
    if (this.#isRunning) return;
    const waiting = [...this.#queues].filter(([, queue]) => queue.length > 0);
    if (waiting.length === 0) {
      this.#stopTimer();
      return;
    }
    const missing = [...this.#queues.keys()].filter(
      (place) => this.#queues.get(place)!.length === 0 && !this.#away.has(place),
    );
    if (missing.length > 0 && !isLate) {
      this.#timer ??= setTimeout(() => this.#meet(true), this.#options.patienceMs ?? PATIENCE_MS);
      return;
    }
    this.#stopTimer();
    for (const place of missing) this.#away.add(place);
    const { execute } = this.#options;
    const entryName = this.#choose(waiting);
    const together = waiting.filter(([, queue]) => queue[0]!.entryName === entryName);
    for (const [place] of waiting) this.#passedOver.set(place, (this.#passedOver.get(place) ?? 0) + 1);
    for (const [place] of together) this.#passedOver.delete(place);
    this.#isRunning = true;
    void execute(entryName, new Map(together.map(([place, queue]) => [place, queue.shift()!]))).finally(() => {
      this.#isRunning = false;
      this.#meet();
    });
  }

  /** The entry point that runs now, of those that the oldest calls ask for. */
  #choose(waiting: readonly (readonly [place: number, queue: readonly Call[]])[]): string {
    const { costOf } = this.#options;
    const late = waiting.find(([place]) => (this.#passedOver.get(place) ?? 0) >= MAXIMUM_PASSED_OVER);
    const names = (late === undefined ? waiting : [late]).map(([, queue]) => queue[0]!.entryName);
    return names.reduce((best, name) => (costOf(name) < costOf(best) ? name : best));
  }

  #stopTimer(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }
}
