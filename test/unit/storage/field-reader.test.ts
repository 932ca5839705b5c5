import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { encode } from "../../../src/cbor/codec.js";
import { decodeDocument, encodeDocument } from "../../../src/storage/document.js";
import { compileFieldReader } from "../../../src/storage/field-reader.js";
import { isSubdocument } from "../../../src/values/document.js";
import { toStorable } from "../../../src/values/validate.js";
import { anyDocument, anyName } from "../values/arbitrary-values.js";

type Path = readonly string[];

/** What a reader of `paths` has to give, taken from the decoded document. */
function pick(value: unknown, paths: readonly Path[], isElement = false): unknown {
  if (paths.some((path) => path.length === 0)) return value;
  if (Array.isArray(value)) {
    const keepsAll = isElement || paths.some(([name]) => /^\d+$/.test(name!));
    return keepsAll ? value : value.map((element) => pick(element, paths, true));
  }
  if (!isSubdocument(value)) return value;
  const picked = Object.keys(value).flatMap((name): [string, unknown][] => {
    const below = paths.filter(([first]) => first === name).map((path) => path.slice(1));
    return below.length > 0 ? [[name, pick(value[name], below)]] : [];
  });
  return Object.fromEntries(picked);
}

function pathsInto(value: unknown): Path[] {
  if (Array.isArray(value)) {
    return value.flatMap((element, at) => [...pathsInto(element), [String(at)]]);
  }
  if (!isSubdocument(value)) return [[]];
  return Object.keys(value).flatMap((name) => [
    [name],
    ...pathsInto(value[name]).map((path) => [name, ...path]),
  ]);
}

const documentAndPaths = anyDocument.map(toStorable).chain((document) => {
  const there = pathsInto(document).filter((path) => path.length > 0);
  const any = fc.array(fc.oneof(anyName, fc.constantFrom("a", "b", "0")), {
    minLength: 1,
    maxLength: 3,
  });
  const path = fc.oneof({ weight: 3, arbitrary: fc.constantFrom(...there) }, any);
  return fc.tuple(fc.constant(document), fc.array(path, { minLength: 1, maxLength: 4 }));
});

test("a reader gives what is picked from the decoded document", () => {
  fc.assert(
    fc.property(documentAndPaths, ([document, paths]) => {
      const bytes = encodeDocument(document);
      const expected = pick(decodeDocument(bytes), paths);
      const among = Buffer.concat([Buffer.from([0xff]), bytes, Buffer.from([0xff])]);
      const seen = compileFieldReader(paths)(among, 1);
      assert.deepEqual(seen, expected);
      assert.deepEqual(encode(seen), encode(expected));
    }),
    { numRuns: 5_000 },
  );
});

const read = (document: object, ...paths: string[]) =>
  compileFieldReader(paths.map((path) => path.split(".")))(encode(document), 0);

test("of maps on the way only the wanted members are read", () => {
  const document = { _id: 1, a: { b: 1, c: { d: 2, e: 3 } }, f: 4 };
  assert.deepEqual(read(document, "a.c.e"), { a: { c: { e: 3 } } });
  assert.deepEqual(read(document, "f", "a.b"), { a: { b: 1 }, f: 4 });
  assert.deepEqual(read(document, "a.c", "a.c.d"), { a: { c: { d: 2, e: 3 } } });
  assert.deepEqual(read(document, "a.x", "y"), { a: {} });
  assert.deepEqual(read(document, "f.x"), { f: 4 });
});

test("an array keeps all of its elements, maps with the wanted members only", () => {
  const document = { _id: 1, a: [{ b: 1, c: 2 }, 3, null, [{ b: 4, c: 5 }], {}] };
  assert.deepEqual(read(document, "a.b"), { a: [{ b: 1 }, 3, null, [{ b: 4, c: 5 }], {}] });
});

test("a path that may name a position reads the elements as they are", () => {
  const document = { _id: 1, a: [{ b: 1, 0: { b: 2 } }, { b: 3 }] };
  assert.deepEqual(read(document, "a.0.b"), { a: document.a });
});

test("a dot in the name of a field has no meaning", () => {
  assert.deepEqual(read({ _id: 1, "a.b": 2, a: { b: 3, c: 4 } }, "a.b"), { a: { b: 3 } });
});

test("names that objects inherit are names like others", () => {
  assert.deepEqual(read({ _id: 1, constructor: 2 }, "constructor", "toString"), { constructor: 2 });
  assert.deepEqual(read({ _id: 1, a: {} }, "a.constructor"), { a: {} });
});
