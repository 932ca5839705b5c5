/**
 * The shortest way from a walk over an index to its documents: no object per entry, each document decoded
 * where LMDB puts it. For results that are wanted all at once and decoded; everything else goes through the rows of
 * `walk.ts`, with the same results.
 */
import { invariant } from "../invariant.js";
import { idKeyBytesMax, keyPrefixBytes } from "../limits.js";
import { decodeRead, pointKeyTarget, readByPointKey } from "../storage/collection.js";
import { entryIdKey, entryValuesEnd, hasLongId } from "../storage/index-entries.js";
import type { RangeScanner } from "../storage/range-scanner.js";
import { danglingEntry } from "../storage/stored-record.js";
import type { Document } from "../values/document.js";
import type { Control } from "./control.js";
import type { Query } from "./execute.js";
import { compileFilter } from "./filter.js";
import { compileEntryTest } from "./plan/entry-document.js";
import type { Plan } from "./plan/plan.js";
import { scanEntries, type View } from "./walk.js";

/** Whether {@link fetchDocuments} can run the plan. */
export function isFetch({ access, sort, isCovered }: Plan): boolean {
  return access.kind === "index" && access.index.multikey.length === 0 && !sort && !isCovered;
}

/** The documents of a query without a projection. @throws what the control throws */
export function fetchDocuments(
  view: View,
  query: Query,
  { access, isReverse, residual, entryFilter }: Plan,
  control: Control,
): Document[] {
  invariant(access.kind === "index", "isFetch has said so");
  const ranges = isReverse ? [...access.ranges].reverse() : access.ranges;
  const matches = residual && compileFilter(residual);
  const passes = entryFilter && compileEntryTest(access.index, entryFilter);
  const documents: Document[] = [];
  const wanted = query.limit || Number.POSITIVE_INFINITY;
  let toSkip = query.skip ?? 0;
  for (const range of ranges) {
    const scanner = scanEntries(view, range, isReverse);
    try {
      while (scanner.next()) {
        control.step(0);
        if (passes && !passes(scanner.key(), scanner.value())) continue;
        const document = fetchDocument(view, scanner, control);
        if (matches && !matches(document)) continue;
        if (toSkip > 0) toSkip -= 1;
        else if (documents.push(document) === wanted) return documents;
      }
    } finally {
      scanner.close();
    }
  }
  return documents;
}

function fetchDocument(
  { environment, collectionId, snapshot }: View,
  scanner: RangeScanner,
  control: Control,
): Document {
  const options = snapshot ? snapshot.options : environment.latest;
  const bytes = readByPointKey(environment, collectionId, copyIdKey(scanner), options);
  if (!bytes) throw danglingEntry();
  control.step(bytes.length);
  return decodeRead(bytes);
}

/** Puts the key of the entry's `_id` where it is read by. @returns the position behind it */
function copyIdKey(scanner: RangeScanner): number {
  const { bytes } = scanner;
  if (!hasLongId(bytes)) {
    return scanner.copyKey(entryValuesEnd(bytes), pointKeyTarget, keyPrefixBytes);
  }
  const idKey = entryIdKey(scanner.key(), scanner.value());
  if (idKey.length > idKeyBytesMax) throw danglingEntry();
  pointKeyTarget.set(idKey, keyPrefixBytes);
  return keyPrefixBytes + idKey.length;
}
