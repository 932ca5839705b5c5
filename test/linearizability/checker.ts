/**
 * Decides whether a history is linearizable: whether each operation can be given one moment between its call and its
 * return so that, in the order of these moments, each result is right. After Wing and Gong, with Lowe's cache of what
 * was tried (G. Lowe, "Testing for linearizability", 2017). Registers are independent, so each is checked alone.
 *
 * The search takes operations one after the other. Next may be any whose call came before the first return of those
 * that are left. When none fits, it goes back; it never tries the same set of taken operations with the same state twice.
 *
 * Operations without an answer would double what there is to try, each of them. But one that is taken can be moved
 * backward in the order up to the first answered one that needs it, or else left out. So they are only taken, one or
 * several in a row, right before an operation that does not fit without them.
 *
 * A value that only one operation puts must not be left while somebody has still to see it (`observers.ts`).
 */
import { apply, isAnswered, type Operation, product, show, type Value } from "./history.js";
import { Observers, observed } from "./observers.js";
import { UnansweredOperations } from "./unanswered.js";

/** Sets of operations that are tried for one register before the search gives up: no history of a test needs as many. */
const triedMax = 2_000_000;
/** Operations that a message shows of those before and after the violation. */
const shownOperations = 16;

export interface Violation {
  key: string;
  /** How many answered operations could be ordered at most, the last of them, and the state after them. */
  ordered: number;
  last: Operation[];
  state: Value;
  /** Those of which one had to come next: none fits. */
  stuck: Operation[];
  /** What was called next, and the writes without an answer so far. */
  later: Operation[];
  unanswered: Operation[];
}

/** @returns undefined when the history is linearizable, each register empty before it */
export function findViolation(history: readonly Operation[]): Violation | undefined {
  for (const operations of byKey(history).values()) {
    const violation = new Search(operations).run();
    if (violation) return violation;
  }
  return undefined;
}

/** The violation for people: what came last, and what cannot come next. */
export function explain(violation: Violation): string {
  const { key, ordered, last, state, stuck, later, unanswered } = violation;
  const line = (operation: Operation) => `  ${show(operation)}`;
  return [
    `The history of ${key} is not linearizable. After ${ordered} operations it holds ${state}:`,
    ...last.map(line),
    "None of these can come next:",
    ...stuck.map(line),
    "Later come:",
    ...later.map(line),
    "Without an answer are:",
    ...unanswered.map(line),
  ].join("\n");
}

function byKey(history: readonly Operation[]): Map<string, Operation[]> {
  const keys = new Map<string, Operation[]>();
  for (const operation of history) {
    const known = keys.get(operation.key);
    if (known) known.push(operation);
    else keys.set(operation.key, [operation]);
  }
  return keys;
}

/** A step of the search: unanswered operations, then an answered one. */
interface Step {
  unanswered: readonly number[];
  answered: number;
  before: Value;
  after: Value;
}

class Search {
  readonly #answered: readonly Operation[];
  readonly #unanswered: UnansweredOperations;
  readonly #observers: Observers;
  readonly #taken: boolean[];
  /** Every answered operation before this one is taken. */
  #first = 0;
  #state: Value = null;
  readonly #path: Step[] = [];
  readonly #tried = new Set<string>();
  #longest: Violation | undefined;

  constructor(operations: readonly Operation[]) {
    const inOrder = operations.toSorted((a, b) => a.calledAt - b.calledAt);
    this.#answered = inOrder.filter(isAnswered);
    this.#observers = new Observers(inOrder);
    this.#unanswered = new UnansweredOperations(
      inOrder.filter((operation) => !isAnswered(operation)),
      this.#observers,
    );
    this.#taken = this.#answered.map(() => false);
  }

  run(): Violation | undefined {
    const open: Step[][] = [this.#steps()];
    while (this.#path.length < this.#answered.length) {
      const step = open.at(-1)!.pop();
      if (!step) {
        open.pop();
        const last = this.#path.pop();
        if (!last) return this.#longest;
        this.#undo(last);
        continue;
      }
      this.#do(step);
      const name = this.#name();
      if (this.#tried.has(name)) {
        this.#undo(step);
        continue;
      }
      this.#tried.add(name);
      if (this.#tried.size > triedMax) throw new Error(`Undecided after ${triedMax} steps.`);
      this.#path.push(step);
      open.push(this.#steps());
    }
    return undefined;
  }

  /** What can be done next; the last one is the first to try. */
  #steps(): Step[] {
    const candidates = this.#candidates();
    if (candidates.length === 0) return [];
    const until = Math.min(...candidates.map((at) => this.#answered[at]!.returnedAt));
    const direct: Step[] = [];
    const assisted: Step[] = [];
    for (const answered of candidates) {
      const applied = apply(this.#state, this.#answered[answered]!);
      // What fits and changes nothing may as well come now as later: nothing else need be tried.
      if (applied && !product(this.#answered[answered]!)) {
        return [{ unanswered: [], answered, before: this.#state, after: this.#state }];
      }
      if (applied) this.#add(direct, answered, [], applied.state);
      else {
        const operation = this.#answered[answered]!;
        for (const chain of this.#unanswered.before(operation, this.#state, until)) {
          const state = this.#unanswered.product(chain.at(-1)!);
          this.#add(assisted, answered, chain, apply(state, operation)!.state);
        }
      }
    }
    const steps = [...direct, ...assisted];
    if (steps.length === 0 && this.#path.length > (this.#longest?.ordered ?? -1)) {
      this.#longest = this.#violation(candidates);
    }
    return steps.reverse();
  }

  /** Adds a step, unless it leaves a value that somebody has still to see. */
  #add(steps: Step[], answered: number, unanswered: readonly number[], after: Value): void {
    const before = this.#state;
    const passed = [before, ...unanswered.map((at) => this.#unanswered.product(at))];
    const seen = passed.at(-1)!;
    for (const [at, value] of passed.entries()) {
      const isLast = at === passed.length - 1;
      if (isLast && value === after) continue;
      const own = isLast && observed(this.#answered[answered]!)?.value === seen ? 1 : 0;
      if (this.#observers.mustStay(value, own)) return;
    }
    steps.push({ unanswered, answered, before, after });
  }

  /** The answered operations that were called before any of those that are left returned. */
  #candidates(): number[] {
    const found: number[] = [];
    let firstReturn = Number.POSITIVE_INFINITY;
    for (let at = this.#first; at < this.#answered.length; at += 1) {
      const { calledAt, returnedAt } = this.#answered[at]!;
      if (calledAt > firstReturn) break;
      if (this.#taken[at]) continue;
      firstReturn = Math.min(firstReturn, returnedAt);
      found.push(at);
    }
    return found.filter((at) => this.#answered[at]!.calledAt <= firstReturn);
  }

  #do(step: Step): void {
    this.#taken[step.answered] = true;
    this.#observers.took(this.#answered[step.answered]!, 1);
    this.#unanswered.take(step.unanswered, true);
    while (this.#taken[this.#first]) this.#first += 1;
    this.#state = step.after;
  }

  #undo(step: Step): void {
    this.#taken[step.answered] = false;
    this.#observers.took(this.#answered[step.answered]!, -1);
    this.#unanswered.take(step.unanswered, false);
    this.#first = Math.min(this.#first, step.answered);
    this.#state = step.before;
  }

  /** The taken operations and the state. Few are taken behind the first that is not. */
  #name(): string {
    let name = `${this.#first}:${this.#state}`;
    let firstReturn = Number.POSITIVE_INFINITY;
    for (let at = this.#first; at < this.#answered.length; at += 1) {
      const { calledAt, returnedAt } = this.#answered[at]!;
      // Nothing that was called later can have been taken.
      if (calledAt > firstReturn) break;
      if (this.#taken[at]) name += `,${at}`;
      else firstReturn = Math.min(firstReturn, returnedAt);
    }
    return `${name};${this.#unanswered.takenName}`;
  }

  #violation(candidates: readonly number[]): Violation {
    const last = this.#path
      .slice(-shownOperations)
      .flatMap(({ unanswered, answered }) => [
        ...unanswered.map((at) => this.#unanswered.at(at)),
        this.#answered[answered]!,
      ]);
    const stuck = candidates.slice(0, shownOperations).map((at) => this.#answered[at]!);
    const behind = candidates.at(-1)! + 1;
    return {
      key: stuck[0]!.key,
      ordered: this.#path.length,
      last,
      state: this.#state,
      stuck,
      later: this.#answered.slice(behind, behind + shownOperations),
      unanswered: this.#unanswered.called(stuck[0]!.returnedAt).slice(-shownOperations),
    };
  }
}
