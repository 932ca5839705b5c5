/**
 * How many steps V8's backtracking engine may take for an expression, at most, without knowing the
 * text. An upper bound: what cannot be shown to be cheap counts as expensive.
 *
 * A part is entered at one position and reaches what follows it in some number of *ways*. Whatever
 * follows is tried once for each, so steps multiply along a sequence, and a loop over a body with more than
 * one way is exponential. A loop of one character has as many ways as iterations, unless what
 * follows needs a character that the loop does not take: then every way but the last fails at once.
 */
import { areDisjoint, type CharacterSet, characterSet, union } from "./character-set.js";
import { isAnchored, longestCapture, reversed } from "./shape.js";
import {
  ENDLESS,
  isOne,
  LENGTH,
  largest,
  ONE,
  power,
  product,
  type Steps,
  sum,
  ZERO,
} from "./steps.js";
import type { RegexNode, RepeatNode } from "./syntax.js";

/** What is known about everything that comes after a part. */
interface Follow {
  /** The next character must be one of these, or the text ends; `undefined`: anything may be next. */
  readonly first: CharacterSet | undefined;
  /** Steps until it has failed for another next character. */
  readonly probe: number;
  /** Whether it always matches, so that nothing before it is ever tried again. */
  readonly settled: boolean;
}

/** A part, together with what follows it as far as `first`, `probe` and `settled` are concerned. */
interface Cost extends Follow {
  /** Steps in the part itself. */
  readonly own: Steps;
  readonly ways: Steps;
  /** Steps that end the search, and so are made for one starting position only. */
  readonly once: Steps;
}

const end: Follow = { first: undefined, probe: 1, settled: true };
const lineEnds: CharacterSet = [10, 10, 13, 13, 0x2028, 0x2029];

/** The most steps a search of a text takes, as a polynomial of its length. */
export function backtrackingSteps(node: RegexNode, flags: string): Steps {
  const { own, ways, once } = new CostAnalysis(flags, longestCapture(node)).cost(node, end);
  const perStart = sum(own, ways);
  // An anchored expression still fails once at every other position.
  if (!flags.includes("m") && isAnchored(node)) return sum(perStart, LENGTH, once);
  return sum(product(perStart, [1, 1]), once);
}

/** What a node itself can begin with, and whether it can match nothing. */
interface Opening {
  readonly first: CharacterSet | undefined;
  readonly nullable: boolean;
  /** Steps until it has failed for a character that it cannot begin with. */
  readonly probe: number;
}

class CostAnalysis {
  readonly #flags: string;
  /** How long what a reference refers to may be. */
  readonly #captured: Steps;
  readonly #openings = new Map<RegexNode, Opening>();

  constructor(flags: string, captured: number) {
    this.#flags = flags;
    this.#captured = captured === Number.POSITIVE_INFINITY ? LENGTH : [captured];
  }

  cost(node: RegexNode, follow: Follow): Cost {
    switch (node.kind) {
      case "set": {
        const first = characterSet(node, this.#flags);
        return { first, probe: 1, settled: false, own: ONE, ways: ONE, once: ZERO };
      }
      case "sequence":
        return this.#sequence(node.parts, follow);
      case "alternation":
        return this.#alternation(node.branches, follow);
      case "group":
        return this.cost(node.body, follow);
      case "repeat":
        return this.#repeat(node, follow);
      case "assertion": {
        const first = this.#afterAssertion(node.source, follow.first);
        const probe = follow.probe + 1;
        return { first, probe, settled: false, own: ONE, ways: ONE, once: ZERO };
      }
      case "look": {
        const body = this.cost(node.behind ? reversed(node.body) : node.body, end);
        const own = sum(ONE, body.own, body.ways, body.once);
        return { first: undefined, probe: 1, settled: false, own, ways: ONE, once: ZERO };
      }
      case "backreference": {
        const own = sum(ONE, this.#captured);
        return { first: undefined, probe: 1, settled: false, own, ways: ONE, once: ZERO };
      }
    }
  }

  #sequence(parts: readonly RegexNode[], follow: Follow): Cost {
    let rest: Cost = { ...follow, own: ZERO, ways: ONE, once: ZERO };
    for (const part of parts.toReversed()) {
      const next = this.cost(part, rest);
      rest = {
        ...next,
        own: sum(next.own, product(next.ways, rest.own)),
        ways: product(next.ways, rest.ways),
        once: sum(next.once, rest.once),
      };
    }
    return rest;
  }

  #alternation(branches: readonly RegexNode[], follow: Follow): Cost {
    const costs = branches.map((branch) => this.cost(branch, follow));
    const probe = total(costs.map((one) => one.probe));
    // At the end of the text, several branches that can match nothing may match.
    const isChoice =
      branches.every((branch) => !this.#opening(branch).nullable) &&
      areDistinct(costs.map((one) => one.first));
    const combine: (...all: Steps[]) => Steps = isChoice ? largest : sum;
    return {
      first: unionOf(costs.map((one) => one.first)),
      probe,
      settled: costs.some((one) => one.settled),
      own: sum([probe], combine(...costs.map((one) => one.own))),
      ways: follow.settled ? ONE : combine(...costs.map((one) => one.ways)),
      once: sum(...costs.map((one) => one.once)),
    };
  }

  #repeat(node: RepeatNode, follow: Follow): Cost {
    const { body, min, max } = node;
    const { first, nullable, probe } = this.#opening(body);
    const count: Steps = max === Number.POSITIVE_INFINITY ? LENGTH : [max];
    const optional = min === 0 || nullable;
    const around = {
      first: optional ? unionOf([first, follow.first]) : first,
      probe: 1 + probe + (optional ? follow.probe : 0),
      settled: min === 0 && follow.settled,
    };
    const inside = this.cost(body, {
      first: unionOf([first, follow.first]),
      probe: 1 + probe + follow.probe,
      // An iteration over nothing is refused, and then the body is tried again.
      settled: follow.settled && min <= 1 && !nullable,
    });
    const iteration = sum(ONE, inside.own, inside.once, [follow.probe]);
    if (isOne(inside.ways)) {
      if (follow.settled && min <= 1 && !nullable) {
        // Once the first iteration has matched, nothing can fail any more.
        const own = sum(ONE, product([min], iteration));
        return { ...around, own, ways: ONE, once: product(count, iteration) };
      }
      const leavesOnce =
        min === max || follow.settled || (!nullable && areDistinct([first, follow.first]));
      const ways = leavesOnce ? ONE : sum(ONE, count);
      return { ...around, own: sum(ONE, product(count, iteration)), ways, once: ZERO };
    }
    if (max === Number.POSITIVE_INFINITY) {
      return { ...around, own: ENDLESS, ways: ENDLESS, once: ZERO };
    }
    const all = power(inside.ways, max);
    const own = sum(ONE, product(product(count, iteration), all));
    return { ...around, own, ways: product(sum(ONE, count), all), once: ZERO };
  }

  #afterAssertion(source: string, first: CharacterSet | undefined): CharacterSet | undefined {
    if (source !== "$") return first;
    return this.#flags.includes("m") ? lineEnds : [];
  }

  #opening(node: RegexNode): Opening {
    const known = this.#openings.get(node);
    if (known) return known;
    const opening = this.#findOpening(node);
    this.#openings.set(node, opening);
    return opening;
  }

  #findOpening(node: RegexNode): Opening {
    switch (node.kind) {
      case "set":
        return { first: characterSet(node, this.#flags), nullable: false, probe: 1 };
      case "group":
        return this.#opening(node.body);
      case "alternation": {
        const all = node.branches.map((branch) => this.#opening(branch));
        return {
          first: unionOf(all.map((one) => one.first)),
          nullable: all.some((one) => one.nullable),
          probe: total(all.map((one) => one.probe)),
        };
      }
      case "sequence": {
        const all = node.parts.map((part) => this.#opening(part));
        const firm = all.findIndex((one) => !one.nullable);
        const tried = firm === -1 ? all : all.slice(0, firm + 1);
        return {
          first: unionOf(tried.map((one) => one.first)),
          nullable: firm === -1,
          probe: total(tried.map((one) => one.probe)),
        };
      }
      case "repeat": {
        const { first, nullable, probe } = this.#opening(node.body);
        return { first, nullable: nullable || node.min === 0, probe: probe + 1 };
      }
      case "assertion":
        return { first: [], nullable: true, probe: 1 };
      case "look":
      case "backreference":
        return { first: undefined, nullable: true, probe: 1 };
    }
  }
}

function total(numbers: readonly number[]): number {
  return numbers.reduce((all, one) => all + one, 0);
}

function unionOf(sets: readonly (CharacterSet | undefined)[]): CharacterSet | undefined {
  return sets.reduce((all, one) => (all && one ? union(all, one) : undefined), []);
}

function areDistinct(sets: readonly (CharacterSet | undefined)[]): boolean {
  let all: CharacterSet = [];
  for (const set of sets) {
    if (!set || !areDisjoint(all, set)) return false;
    all = union(all, set);
  }
  return true;
}
