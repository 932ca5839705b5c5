/**
 * `$group`: https://www.mongodb.com/docs/manual/reference/operator/aggregation/group/ It holds its
 * groups and nothing else: documents are forgotten once they have been added to theirs.
 */
import { LioranError } from "../../errors.js";
import { type Document, isPlainObject } from "../../values/document.js";
import {
  type Accumulation,
  type Accumulator,
  accumulationBytes,
  type CompileAccumulator,
} from "./accumulator.js";
import { listAccumulators } from "./list-accumulators.js";
import { StageMemory } from "./memory.js";
import { numberAccumulators } from "./number-accumulators.js";
import { expressionOf, malformed, type Stage, type StageContext } from "./stage.js";
import { type ValueKey, valueKey } from "./value-key.js";

/** By name. */
export const accumulators: Readonly<Record<string, CompileAccumulator>> = {
  ...numberAccumulators,
  ...listAccumulators,
};

export interface OutputField {
  readonly name: string;
  readonly accumulator: Accumulator;
}

/** `{ total: { $sum: "$price" } }`. @throws LioranError FAILED_TO_PARSE */
export function compileOutput(
  stage: string,
  output: Document,
  context: StageContext,
): OutputField[] {
  return Object.keys(output).map((name) => {
    if (name.includes(".") || name.startsWith("$") || name === "__proto__") {
      throw malformed(`The field name '${name}' of ${stage} cannot contain '.' or begin with '$'.`);
    }
    return { name, accumulator: compileAccumulator(stage, name, output[name], context) };
  });
}

function compileAccumulator(
  stage: string,
  field: string,
  specification: unknown,
  context: StageContext,
): Accumulator {
  const names = isPlainObject(specification) ? Object.keys(specification) : [];
  const [name] = names;
  if (name === undefined || !name.startsWith("$")) {
    throw malformed(`The field '${field}' of ${stage} must be an accumulator object.`);
  }
  if (names.length > 1) {
    throw malformed(`The field '${field}' of ${stage} must specify one accumulator.`);
  }
  if (name === "$accumulator" || name === "$function") {
    throw new LioranError("COMMAND_NOT_SUPPORTED", `${name} is not supported in ${stage}.`);
  }
  if (!Object.hasOwn(accumulators, name)) throw malformed(`unknown group operator '${name}'.`);
  return accumulators[name]!((specification as Document)[name], context);
}

interface Group {
  /** As its first document has it: equal ids can be of different types. */
  id: unknown;
  readonly states: Accumulation[];
  /** Where its first document stands among all documents. */
  place: number;
}

/** Documents that a part of a collection may have, to tell the places in one from those in the next. */
const placesPerPart = 2 ** 40;

/** What a group holds, as data: for another thread. */
export type GroupShare = [place: number, id: unknown, shares: unknown[]];

/** The groups that have been seen, in the order of their first documents. */
export class Groups {
  readonly #fields: readonly OutputField[];
  readonly #memory: StageMemory;
  readonly #groups = new Map<ValueKey, Group>();
  #place = 0;
  #isOrdered = true;

  constructor(fields: readonly OutputField[], memory: StageMemory) {
    this.#fields = fields;
    this.#memory = memory;
  }

  add(id: unknown, document: Document): void {
    const key = valueKey(id);
    const { states } = this.#groups.get(key) ?? this.#begin(key, id, this.#place);
    this.#place += 1;
    for (let at = 0; at < states.length; at += 1) {
      states[at]!.add(this.#fields[at]!.accumulator.input(document), document);
    }
  }

  /** The documents that follow are those of this part of the collection. */
  beginPart(part: number): void {
    this.#place = part * placesPerPart;
  }

  /** All groups as data, for the accumulators that can do that. */
  *shares(): Generator<GroupShare, void, void> {
    for (const { id, states, place } of this.#groups.values()) {
      yield [place, id, states.map((state) => state.share!())];
    }
  }

  /** Adds a group that another thread has gathered. */
  absorb([place, id, shares]: GroupShare): void {
    const key = valueKey(id);
    const group = this.#groups.get(key) ?? this.#begin(key, id, place);
    if (place < group.place) {
      group.place = place;
      group.id = id;
    }
    for (const [at, share] of shares.entries()) group.states[at]!.absorb!(share);
    this.#isOrdered = false;
  }

  *results(): Generator<Document, void, void> {
    const groups = [...this.#groups.values()];
    if (!this.#isOrdered) groups.sort((a, b) => a.place - b.place);
    for (const { id, states } of groups) {
      const result: Document = { _id: id };
      for (let at = 0; at < states.length; at += 1) {
        result[this.#fields[at]!.name] = states[at]!.result() ?? null;
      }
      yield result;
    }
  }

  #begin(key: ValueKey, id: unknown, place: number): Group {
    this.#memory.keep(id);
    this.#memory.add(accumulationBytes * (this.#fields.length + 1));
    const states = this.#fields.map(({ accumulator }) => accumulator.start(this.#memory, id));
    const group = { id, states, place };
    this.#groups.set(key, group);
    return group;
  }
}

export function group(operand: unknown, context: StageContext): Stage {
  if (!isPlainObject(operand)) {
    throw malformed("a group's fields must be specified in an object.");
  }
  if (!Object.hasOwn(operand, "_id")) {
    throw malformed("a group specification must include an _id.");
  }
  const { begin, add } = compileGroup(operand, context);
  return function* (input) {
    const groups = begin();
    for (const document of input) add(groups, document);
    yield* groups.results();
  };
}

/** The parts of a `$group` that is well formed. */
export interface CompiledGroup {
  begin(): Groups;
  add(groups: Groups, document: Document): void;
}

export function compileGroup({ _id, ...output }: Document, context: StageContext): CompiledGroup {
  const id = expressionOf(_id, context);
  const fields = compileOutput("$group", output, context);
  return {
    begin: () => new Groups(fields, new StageMemory("$group")),
    // A missing key is one group with null.
    add: (groups, document) => groups.add(id(document) ?? null, document),
  };
}

/** `$sortByCount`: https://www.mongodb.com/docs/manual/reference/operator/aggregation/sortByCount/ */
export function sortByCount(operand: unknown, context: StageContext): Stage {
  const isExpression =
    typeof operand === "string"
      ? operand.startsWith("$")
      : isPlainObject(operand) && Object.keys(operand)[0]?.startsWith("$");
  if (!isExpression) {
    throw malformed("$sortByCount needs a field path or an expression.");
  }
  const stage = group({ _id: operand, count: { $sum: 1 } }, context);
  return function* (input) {
    const groups = [...stage(input)];
    yield* groups.sort((a, b) => (b.count as number) - (a.count as number));
  };
}

/** `$count`: https://www.mongodb.com/docs/manual/reference/operator/aggregation/count/ */
export function count(operand: unknown): Stage {
  if (typeof operand !== "string" || operand === "" || /^\$|[.\0]/.test(operand)) {
    throw malformed(
      "the count field must be a nonempty string, without '$' in front and without '.'.",
    );
  }
  return function* (input) {
    let counted = 0;
    for (const _ of input) counted += 1;
    if (counted > 0) yield { [operand]: counted };
  };
}
