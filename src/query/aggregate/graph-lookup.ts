/** `$graphLookup`: https://www.mongodb.com/docs/manual/reference/operator/aggregation/graphLookup/ */
import { type Document, isPlainObject } from "../../values/document.js";
import { distinctCollector } from "../distinct.js";
import { compileFilter } from "../filter.js";
import { parsePath, parseWritablePath } from "../path.js";
import { collectionOf, equalityFilter } from "./lookup.js";
import { StageMemory } from "./memory.js";
import { withValueAt } from "./place.js";
import {
  expressionOf,
  fieldNameOf,
  integerOf,
  malformed,
  partsOf,
  type Stage,
  type StageContext,
} from "./stage.js";
import { type ValueKey, valueKey } from "./value-key.js";

const requiredParts = ["from", "startWith", "connectFromField", "connectToField", "as"];
const optionalParts = ["maxDepth", "depthField", "restrictSearchWithMatch"];

/** How the graph is walked. */
interface Walk {
  readonly from: string;
  readonly to: string;
  readonly maxDepth: number;
  readonly depthField: readonly string[] | undefined;
  readonly open: (filter: Document) => Iterable<Document>;
}

export function graphLookup(operand: unknown, context: StageContext): Stage {
  const parts = partsOf("$graphLookup", operand, requiredParts, optionalParts);
  const collection = collectionOf("$graphLookup", parts.from);
  const startWith = expressionOf(parts.startWith, context);
  const as = parseWritablePath(fieldNameOf("'as' of $graphLookup", parts.as)).segments;
  const from = fieldNameOf("'connectFromField' of $graphLookup", parts.connectFromField);
  const to = fieldNameOf("'connectToField' of $graphLookup", parts.connectToField);
  parsePath(from);
  parsePath(to);
  const restriction = parts.restrictSearchWithMatch ?? {};
  if (!isPlainObject(restriction)) {
    throw malformed("'restrictSearchWithMatch' of $graphLookup must be an object.");
  }
  compileFilter(restriction, context.variables);
  const { maxDepth, depthField } = parts;
  const walk: Walk = {
    from,
    to,
    maxDepth:
      maxDepth === undefined
        ? Number.POSITIVE_INFINITY
        : integerOf("'maxDepth' of $graphLookup", maxDepth, 0),
    depthField:
      depthField === undefined
        ? undefined
        : parseWritablePath(fieldNameOf("'depthField' of $graphLookup", depthField)).segments,
    open: context.open(collection, [{ $match: restriction }], context.variables),
  };
  return function* (input) {
    for (const document of input) {
      yield withValueAt(document, as, reached(walk, startWith(document)));
    }
  };
}

/** Breadth first, one query for each depth. */
function reached({ from, to, maxDepth, depthField, open }: Walk, start: unknown): Document[] {
  const memory = new StageMemory("$graphLookup");
  const found = new Map<ValueKey, Document>();
  const asked = new Set<ValueKey>();
  let frontier = unasked(Array.isArray(start) ? start : [start ?? null], asked, memory);
  for (let depth = 0; frontier.length > 0 && depth <= maxDepth; depth += 1) {
    const next: unknown[] = [];
    for (const document of open(equalityFilter(to, frontier))) {
      const key = valueKey(document._id);
      if (found.has(key)) continue;
      memory.keep(document);
      found.set(key, depthField ? withValueAt(document, depthField, depth) : document);
      const collector = distinctCollector(from);
      collector.add(document);
      next.push(...collector.values());
    }
    frontier = unasked(next, asked, memory);
  }
  return [...found.values()];
}

function unasked(values: unknown[], asked: Set<ValueKey>, memory: StageMemory): unknown[] {
  return values.filter((value) => {
    const key = valueKey(value);
    if (asked.has(key)) return false;
    memory.keep(value);
    asked.add(key);
    return true;
  });
}
