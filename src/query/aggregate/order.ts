/** `$sort`, `$limit`, `$skip` and `$sample`: https://www.mongodb.com/docs/manual/reference/operator/aggregation/sort/ */
import type { Document } from "../../values/document.js";
import { isPlainObject } from "../../values/document.js";
import { compileSort } from "../sort.js";
import { approximateBytes, StageMemory } from "./memory.js";
import { integerOf, malformed, partsOf, type Stage } from "./stage.js";

/** @throws LioranError FAILED_TO_PARSE, BAD_VALUE */
export function checkSortStage(operand: unknown): (a: Document, b: Document) => number {
  if (!isPlainObject(operand)) {
    throw malformed("the $sort key specification must be an object.");
  }
  if (Object.keys(operand).length === 0) {
    throw malformed("$sort stage must have at least one sort key.");
  }
  return compileSort(operand);
}

/** @param wanted how many documents the next stages take at most */
export function sort(operand: unknown, wanted = Number.POSITIVE_INFINITY): Stage {
  const compare = checkSortStage(operand);
  return (input) => sorted(input, compare, wanted, "$sort");
}

/**
 * Sorts by keeping at most twice the wanted documents. The sort is stable.
 *
 * @throws LioranError MEMORY_EXCEEDED naming the stage
 */
export function sorted(
  input: Iterable<Document>,
  compare: (a: Document, b: Document) => number,
  wanted: number,
  stage: string,
): Document[] {
  const memory = new StageMemory(stage);
  let kept: Document[] = [];
  for (const document of input) {
    kept.push(document);
    memory.keep(document);
    if (kept.length < 2 * wanted + 64) continue;
    kept = kept.sort(compare).slice(0, wanted);
    memory.reset();
    for (const one of kept) memory.keep(one);
  }
  return kept.sort(compare).slice(0, wanted);
}

export function limit(operand: unknown): Stage {
  const most = integerOf("the limit of $limit", operand, 1);
  return function* (input) {
    let given = 0;
    for (const document of input) {
      yield document;
      given += 1;
      if (given === most) return;
    }
  };
}

export function skip(operand: unknown): Stage {
  const count = integerOf("the argument of $skip", operand, 0);
  return function* (input) {
    let skipped = 0;
    for (const document of input) {
      if (skipped < count) skipped += 1;
      else yield document;
    }
  };
}

/** A random choice of documents, each as likely as any other, holding only those. */
export function sample(operand: unknown): Stage {
  const { size } = partsOf("$sample", operand, ["size"]);
  const wanted = integerOf("the size of $sample", size, 1);
  return function* (input) {
    const memory = new StageMemory("$sample");
    const chosen: Document[] = [];
    let seen = 0;
    for (const document of input) {
      const place = seen < wanted ? seen : Math.floor(Math.random() * (seen + 1));
      seen += 1;
      if (place >= wanted) continue;
      const before = chosen[place];
      memory.add(approximateBytes(document) - (before ? approximateBytes(before) : 0));
      chosen[place] = document;
    }
    yield* shuffled(chosen);
  };
}

function shuffled(list: Document[]): Document[] {
  for (let at = list.length - 1; at > 0; at -= 1) {
    const other = Math.floor(Math.random() * (at + 1));
    [list[at], list[other]] = [list[other]!, list[at]!];
  }
  return list;
}
