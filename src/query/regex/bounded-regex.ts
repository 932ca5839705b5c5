/**
 * A regular expression that a user gave, run in bounded time: by V8 where its backtracking cannot
 * take long for a text of that length, else by an engine that is linear and slower.
 */
import { LioranError } from "../../errors.js";
import {
  regexBacktrackingLengthMax,
  regexBacktrackingStepsMax,
  regexClassesMax,
  regexesCachedMax,
  regexLengthMax,
  regexLoneLengthMin,
  regexLoneStepsMax,
  regexStepsPerCharacterMax,
  regexWideClassesMax,
} from "../../limits.js";
import { isWide } from "./character-set.js";
import { backtrackingSteps } from "./cost.js";
import { type Finder, LinearRegex, type MatchPositions, NotLinear } from "./linear-engine.js";
import { positionsDiffer } from "./shape.js";
import { type Steps, stepsFor } from "./steps.js";
import { childrenOf, parseRegex, type RegexNode } from "./syntax.js";

const cache = new Map<string, BoundedRegex>();

/**
 * The expression, ready to run. One is kept for each source and flags, so that asking again is cheap.
 *
 * @throws LioranError BAD_VALUE when no engine can run it in bounded time;
 *   COMMAND_NOT_SUPPORTED for flag `v`
 */
export function boundedRegex(regex: RegExp): BoundedRegex {
  const flags = regex.flags.replace(/[dgy]/g, "");
  const key = `${flags}/${regex.source}`;
  let bounded = cache.get(key);
  if (bounded) cache.delete(key);
  else bounded = new BoundedRegex(regex.source, flags);
  // A Map keeps its order, so the first key is the one that has not been asked for longest.
  if (cache.size >= regexesCachedMax) cache.delete(cache.keys().next().value!);
  cache.set(key, bounded);
  return bounded;
}

export class BoundedRegex {
  readonly #native: RegExp;
  readonly #node: RegexNode;
  /** Longest text that V8 gets, though another engine could take it. */
  readonly #nativeLengthMax: number;
  /** Longest text that V8 gets when no other engine can take it. */
  readonly #loneLengthMax: number;
  /** Whether V8 and the other engine may report different positions: see {@link positionsDiffer}. */
  readonly #positionsDiffer: boolean;
  #nativeSearch: RegExp | undefined;
  #linear: LinearRegex | NotLinear | undefined;

  constructor(source: string, flags: string) {
    if (source.length > regexLengthMax) {
      throw refusal(source, `is longer than ${regexLengthMax} characters`);
    }
    if (flags.includes("v")) {
      throw new LioranError("COMMAND_NOT_SUPPORTED", "Flag v is not supported. Use u instead.");
    }
    this.#native = new RegExp(source, flags);
    this.#node = parseRegex(source, flags);
    checkClasses(this.#node, source, flags);
    const steps = backtrackingSteps(this.#node, flags);
    this.#nativeLengthMax = lengthWithin(steps, regexBacktrackingStepsMax);
    this.#loneLengthMax = lengthWithin(steps, regexLoneStepsMax);
    this.#positionsDiffer = positionsDiffer(this.#node);
    if (this.#loneLengthMax >= regexLoneLengthMin) return;
    const linear = this.#linearEngine();
    if (linear instanceof NotLinear) {
      throw refusal(source, `could take too long, and cannot run in linear time: ${linear.reason}`);
    }
  }

  /** @throws LioranError BAD_VALUE when this text is too long for this expression */
  test(text: string): boolean {
    if (text.length <= this.#nativeLengthMax) return this.#native.test(text);
    return this.#bounded(
      text,
      (linear) => linear.test(text),
      () => this.#native.test(text),
    );
  }

  /**
   * A function that gives the first match at or after a position, which never goes back.
   *
   * @throws LioranError BAD_VALUE when this text is too long for this expression
   */
  finder(text: string): Finder {
    const natively = () => (from: number) => this.#findNatively(text, from);
    if (text.length <= this.#nativeLengthMax && !this.#positionsDiffer) return natively();
    return this.#bounded(text, (linear) => linear.finder(text), natively);
  }

  #bounded<T>(text: string, linearly: (linear: LinearRegex) => T, natively: () => T): T {
    let reason: NotLinear;
    const linear = this.#linearEngine();
    if (linear instanceof NotLinear) reason = linear;
    else {
      try {
        return linearly(linear);
      } catch (error) {
        if (!(error instanceof NotLinear)) throw error;
        reason = error;
      }
    }
    if (text.length <= this.#loneLengthMax) return natively();
    const because = `could take too long for a text of ${text.length} characters, and cannot run in linear time: ${reason.reason}`;
    throw refusal(this.#native.source, because);
  }

  #findNatively(text: string, from: number): MatchPositions | undefined {
    this.#nativeSearch ??= new RegExp(this.#native.source, `${this.#native.flags}gd`);
    this.#nativeSearch.lastIndex = from;
    const found = this.#nativeSearch.exec(text);
    return found?.indices?.flatMap((pair) => pair ?? [-1, -1]);
  }

  #linearEngine(): LinearRegex | NotLinear {
    if (this.#linear) return this.#linear;
    try {
      this.#linear = new LinearRegex(this.#node, this.#native.flags);
    } catch (error) {
      if (!(error instanceof NotLinear)) throw error;
      this.#linear = error;
    }
    return this.#linear;
  }
}

function lengthWithin(steps: Steps, stepsMax: number): number {
  const fits = (length: number) =>
    stepsFor(steps, length) <= Math.max(stepsMax, length * regexStepsPerCharacterMax);
  if (fits(regexBacktrackingLengthMax)) return regexBacktrackingLengthMax;
  let [low, high] = [-1, regexBacktrackingLengthMax];
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (fits(middle)) low = middle;
    else high = middle;
  }
  return low;
}

/** Finding out what a class stands for takes time. */
function checkClasses(node: RegexNode, source: string, flags: string): void {
  const classes = new Set<string>();
  const visit = (one: RegexNode): void => {
    if (one.kind === "set" && one.char === undefined) classes.add(one.source);
    childrenOf(one).forEach(visit);
  };
  visit(node);
  if (classes.size > regexClassesMax) {
    throw refusal(source, `has more than ${regexClassesMax} different classes of characters`);
  }
  const wide = [...classes].filter((one) => isWide(one, flags)).length;
  if (wide > regexWideClassesMax) {
    const what = "classes of characters that are negated or beyond ASCII";
    throw refusal(source, `has flag u and more than ${regexWideClassesMax} ${what}`);
  }
}

function refusal(source: string, because: string): LioranError {
  const shown = source.length > 80 ? `${source.slice(0, 80)}...` : source;
  const advice =
    "Start it with ^, or write it without nested repetitions, lookaround and references";
  return new LioranError(
    "BAD_VALUE",
    `Regular expression is invalid: /${shown}/ ${because}. ${advice}.`,
  );
}
