/** Accumulators that keep values: https://www.mongodb.com/docs/manual/reference/operator/aggregation/group/#accumulator-operator */
import { LioranError } from "../../errors.js";
import { compareValues } from "../../values/compare.js";
import { type Document, isPlainObject, isSubdocument } from "../../values/document.js";
import type { Expression } from "../expression.js";
import { compileSort } from "../sort.js";
import { typeName } from "../type-names.js";
import type { Accumulation, Accumulator, CompileAccumulator } from "./accumulator.js";
import { approximateBytes, type StageMemory } from "./memory.js";
import { expressionOf, malformed, partsOf, type StageContext } from "./stage.js";
import { type ValueKey, valueKey } from "./value-key.js";

function each(start: (memory: StageMemory) => Accumulation): CompileAccumulator {
  return (operand, context) => ({ input: expressionOf(operand, context), start });
}

function first(memory: StageMemory): Accumulation {
  let isFirst = true;
  let kept: unknown;
  return {
    add(value) {
      if (!isFirst) return;
      isFirst = false;
      kept = value;
      memory.keep(value);
    },
    result: () => kept,
  };
}

function last(memory: StageMemory): Accumulation {
  let kept: unknown;
  let bytes = 0;
  return {
    add(value) {
      const before = bytes;
      bytes = approximateBytes(value);
      memory.add(bytes - before);
      kept = value;
    },
    result: () => kept,
  };
}

function push(memory: StageMemory): Accumulation {
  const values: unknown[] = [];
  return {
    add(value) {
      if (value === undefined) return;
      memory.keep(value);
      values.push(value);
    },
    // A window may ask more than once, and go on in between.
    result: () => values.slice(),
  };
}

function addToSet(memory: StageMemory): Accumulation {
  const values = new Map<ValueKey, unknown>();
  return {
    add(value) {
      if (value === undefined) return;
      const key = valueKey(value);
      if (values.has(key)) return;
      memory.add(2 * approximateBytes(value));
      values.set(key, value);
    },
    result: () => [...values.values()],
  };
}

function mergeObjects(memory: StageMemory): Accumulation {
  const merged: Document = {};
  return {
    add(value) {
      if (value === null || value === undefined) return;
      if (!isSubdocument(value)) {
        throw new LioranError(
          "BAD_VALUE",
          `$mergeObjects requires object inputs, but the input is of type ${typeName(value)}.`,
        );
      }
      for (const name of Object.keys(value)) {
        if (!Object.hasOwn(merged, name)) memory.keep(value[name]);
        merged[name] = value[name];
      }
    },
    result: () => ({ ...merged }),
  };
}

function count(operand: unknown, context: StageContext): Accumulator {
  if (!isPlainObject(operand) || Object.keys(operand).length > 0) {
    throw malformed("$count takes an empty object: { $count: {} }.");
  }
  return {
    input: expressionOf(1, context),
    start: () => {
      let counted = 0;
      return {
        add() {
          counted += 1;
        },
        result: () => counted,
        share: () => counted,
        absorb(share) {
          counted += share as number;
        },
      };
    },
  };
}

/** How an accumulator of n values chooses them. */
interface Choice {
  readonly accepts: (value: unknown) => boolean;
  /** Missing: in the order of arrival. */
  readonly compare?: (a: Kept, b: Kept) => number;
  /** Keep the end of the order instead of its begin. */
  readonly fromEnd?: boolean;
}

interface Kept {
  readonly value: unknown;
  readonly document: Document;
}

/** Keeps at most twice the wanted values, so that each costs little however many come. */
class ChosenAccumulation implements Accumulation {
  readonly #wanted: number;
  readonly #choice: Choice;
  readonly #memory: StageMemory;
  #kept: Kept[] = [];
  #bytes = 0;

  constructor(wanted: number, choice: Choice, memory: StageMemory) {
    this.#wanted = wanted;
    this.#choice = choice;
    this.#memory = memory;
  }

  add(value: unknown, document: Document): void {
    const { accepts, compare, fromEnd } = this.#choice;
    if (!accepts(value)) return;
    const isFull = !compare && !fromEnd && this.#kept.length === this.#wanted;
    if (isFull) return;
    this.#kept.push({ value: value ?? null, document });
    this.#account(approximateBytes(value) + (compare ? approximateBytes(document) : 0));
    if (this.#kept.length >= 2 * this.#wanted + 16) this.#shrink();
  }

  result(): unknown[] {
    this.#shrink();
    return this.#kept.map(({ value }) => value);
  }

  #shrink(): void {
    const { compare, fromEnd } = this.#choice;
    if (compare) this.#kept.sort(compare);
    if (this.#kept.length > this.#wanted) {
      this.#kept = fromEnd ? this.#kept.slice(-this.#wanted) : this.#kept.slice(0, this.#wanted);
      const bytes = this.#kept.reduce(
        (sum, { value, document }) =>
          sum + approximateBytes(value) + (compare ? approximateBytes(document) : 0),
        0,
      );
      this.#account(bytes - this.#bytes);
    }
  }

  #account(bytes: number): void {
    this.#bytes += bytes;
    this.#memory.add(bytes);
  }
}

const anything = () => true;
const present = (value: unknown) => value !== null && value !== undefined;

function several(name: string, choice: Choice): CompileAccumulator {
  return (operand, context) => {
    const { input, n } = partsOf(name, operand, ["input", "n"]);
    return choosing(name, expressionOf(input, context), n, choice, context);
  };
}

function ranked(name: string, isSeveral: boolean, fromEnd: boolean): CompileAccumulator {
  return (operand, context) => {
    const required = isSeveral ? ["sortBy", "output", "n"] : ["sortBy", "output"];
    const { sortBy, output, n = 1 } = partsOf(name, operand, required);
    if (!isPlainObject(sortBy) || Object.keys(sortBy).length === 0) {
      throw malformed(`${name} needs an object in sortBy.`);
    }
    const order = compileSort(sortBy);
    const compare = (a: Kept, b: Kept) => order(a.document, b.document);
    const choice = { accepts: anything, compare, fromEnd };
    const accumulator = choosing(name, expressionOf(output, context), n, choice, context);
    if (isSeveral) return accumulator;
    const start: Accumulator["start"] = (memory, key) => {
      const one = accumulator.start(memory, key);
      return {
        add: (value, document) => one.add(value, document),
        result: () => (one.result() as unknown[])[0],
      };
    };
    return { input: accumulator.input, start };
  };
}

/** `n` may depend on the key of the group. */
function choosing(
  name: string,
  input: Expression,
  n: unknown,
  choice: Choice,
  context: StageContext,
): Accumulator {
  const wanted = expressionOf(n, context);
  return {
    input,
    start: (memory, key) => {
      const number = Number(wanted(isSubdocument(key) ? key : {}));
      if (!Number.isSafeInteger(number) || number < 1) {
        throw new LioranError("BAD_VALUE", `'n' of ${name} must be an integer greater than 0.`);
      }
      return new ChosenAccumulation(number, choice, memory);
    },
  };
}

export const listAccumulators = {
  $first: each(first),
  $last: each(last),
  $push: each(push),
  $addToSet: each(addToSet),
  $mergeObjects: each(mergeObjects),
  $count: count,
  $firstN: several("$firstN", { accepts: anything }),
  $lastN: several("$lastN", { accepts: anything, fromEnd: true }),
  $maxN: several("$maxN", { accepts: present, compare: (a, b) => compareValues(b.value, a.value) }),
  $minN: several("$minN", { accepts: present, compare: (a, b) => compareValues(a.value, b.value) }),
  $top: ranked("$top", false, false),
  $topN: ranked("$topN", true, false),
  $bottom: ranked("$bottom", false, true),
  $bottomN: ranked("$bottomN", true, true),
} as const satisfies Record<string, CompileAccumulator>;
