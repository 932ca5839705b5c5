import assert from "node:assert/strict";
import { Readable } from "node:stream";
import { ReadableStream } from "node:stream/web";
import { setImmediate as nextTurn } from "node:timers/promises";
import type { Document } from "@liorandb/core";
import { z } from "zod";
import { insertChunkDocumentsMax, insertStreamErrorsMax } from "../../../src/limits.js";
import type { Subject } from "../mode.js";
import { rejection, thrownBy } from "./expectations.js";

/** Several chunks. */
const many = 2 * insertChunkDocumentsMax + 2_000;

/** `{ _id: 0 }` and so on, as a source that notes how it is read. */
class Source implements AsyncIterable<Document> {
  given = 0;
  returned = 0;
  readonly #count: number;
  readonly #answer: (n: number) => Document | Promise<Document>;

  constructor(count: number, answer: (n: number) => Document | Promise<Document> = numbered) {
    this.#count = count;
    this.#answer = answer;
  }

  [Symbol.asyncIterator](): AsyncIterator<Document> {
    return {
      next: async () => {
        if (this.given >= this.#count) return { done: true, value: undefined };
        const value = await this.#answer(this.given);
        this.given += 1;
        return { done: false, value };
      },
      return: async () => {
        this.returned += 1;
        return { done: true, value: undefined };
      },
    };
  }
}

const numbered = (n: number): Document => ({ _id: n });

function* documents(from: number, to: number): Generator<Document> {
  for (let _id = from; _id < to; _id += 1) yield { _id };
}

async function* documentsLater(from: number, to: number): AsyncGenerator<Document> {
  for (const document of documents(from, to)) yield document;
}

export function insertStreamSuite(subject: Subject): void {
  subject.test("insertMany takes async iterables and iterables of any length", async () => {
    const collection = await subject.collection();
    for (const [at, from] of [documentsLater, documents].entries()) {
      const result = await collection.insertMany(from(at * many, (at + 1) * many));
      assert.deepEqual(result, { acknowledged: true, insertedCount: many });
    }
    assert.equal(await collection.countDocuments(), 2 * many);
    assert.deepEqual(await collection.find().sort({ _id: -1 }).limit(1).toArray(), [
      { _id: 2 * many - 1 },
    ]);
  });

  subject.test("insertMany takes streams, sets, and cursors", async () => {
    const stored = await subject.numbered(300);
    const sources = {
      readable: () => Readable.from([{ n: 1 }, { n: 2 }]),
      web: () =>
        new ReadableStream<Document>({
          start(controller) {
            controller.enqueue({ n: 1 });
            controller.enqueue({ n: 2 });
            controller.close();
          },
        }),
      set: () => new Set([{ n: 1 }, { n: 2 }]),
      map: () => new Map([["a", { n: 1 }]]).values(),
      cursor: () => stored.find(),
      pipeline: () => stored.aggregate([{ $match: { n: { $lt: 5 } } }, { $unset: "_id" }]),
    };
    const counts = [];
    for (const source of Object.values(sources)) {
      const collection = await subject.collection();
      counts.push((await collection.insertMany(source())).insertedCount);
      assert.equal(await collection.countDocuments(), counts.at(-1));
    }
    assert.deepEqual(counts, [2, 2, 2, 1, 300, 5]);
  });

  subject.test("an empty stream inserts nothing", async () => {
    const collection = await subject.collection();
    const nothing = { acknowledged: true, insertedCount: 0 };
    assert.deepEqual(await collection.insertMany(documentsLater(0, 0)), nothing);
    assert.deepEqual(await collection.insertMany(new Set<Document>()), nothing);
  });

  subject.test("what is no iterable of documents is refused", async () => {
    const collection = await subject.collection();
    for (const wrong of ["text", "", 3, null, undefined, {}, { _id: 1 }, () => [{}]]) {
      await rejection(() => collection.insertMany(wrong as never), {
        code: 2,
        names: ["insertMany", "iterable"],
      });
    }
    await rejection(() => collection.insertMany(["text"].values() as never), {
      code: 2,
      names: ["documents.0"],
    });
    assert.equal(await collection.countDocuments(), 0);
  });

  subject.test("the source is read no further than two chunks ahead", async () => {
    const collection = await subject.collection();
    let aheadMost = 0;
    const source = new Source(4 * many, async (n) => {
      if (n % 500 === 0) {
        aheadMost = Math.max(aheadMost, n - (await collection.estimatedDocumentCount()));
      }
      return { _id: n };
    });
    await collection.insertMany(source);
    assert.ok(aheadMost > 0);
    assert.ok(aheadMost <= 2 * insertChunkDocumentsMax + 1, `${aheadMost} documents ahead`);
    assert.deepEqual([source.given, source.returned], [4 * many, 0]);
  });

  subject.test("large documents make small chunks", async () => {
    const collection = await subject.collection();
    const text = "t".repeat(600_000);
    let aheadMost = 0;
    const source = new Source(20, async (n) => {
      aheadMost = Math.max(aheadMost, n - (await collection.estimatedDocumentCount()));
      return { _id: n, text };
    });
    assert.equal((await collection.insertMany(source)).insertedCount, 20);
    assert.ok(aheadMost <= 7, `${aheadMost} documents of 600 KB ahead`);
  });

  subject.test("a document does not wait for the next one of a slow source", async () => {
    const collection = await subject.collection();
    const source = new Source(3, async (n) => {
      while ((await collection.countDocuments()) < n) await nextTurn();
      return { _id: n };
    });
    assert.equal((await collection.insertMany(source)).insertedCount, 3);
  });

  subject.test("an ordered stream stops at the first failure, and ends its source", async () => {
    const at = insertChunkDocumentsMax + 2_500;
    const collection = await subject.seeded([{ _id: at, kept: true }]);
    const source = new Source(10 * many);
    const error = await rejection(() => collection.insertMany(source), { code: 11000 });
    assert.deepEqual(error.result, { acknowledged: true, insertedCount: at, failedCount: 1 });
    assert.deepEqual(
      error.writeErrors!.map(({ index, keyValue }) => [index, keyValue]),
      [[at, { _id: at }]],
    );
    assert.deepEqual(error.keyValue, { _id: at });
    assert.equal(await collection.countDocuments(), at + 1);
    assert.equal(source.returned, 1);
    assert.ok(source.given <= at + 3 * insertChunkDocumentsMax, `${source.given} were read`);
  });

  subject.test("a write that fails ends the wait for a source that gives nothing", async () => {
    const collection = await subject.seeded([{ _id: 0 }]);
    const source = new Source(2, (n) => (n === 0 ? { _id: 0 } : new Promise<Document>(() => {})));
    const error = await rejection(() => collection.insertMany(source), { code: 11000 });
    assert.deepEqual(error.result, { acknowledged: true, insertedCount: 0, failedCount: 1 });
    assert.equal(source.returned, 1);
  });

  subject.test("an unordered stream goes on and counts positions over all of it", async () => {
    const taken = [0, 3, insertChunkDocumentsMax, many - 1];
    const collection = await subject.seeded(taken.map((_id) => ({ _id, kept: true })));
    const source = new Source(many);
    const error = await rejection(() => collection.insertMany(source, { ordered: false }), {
      code: 11000,
    });
    assert.deepEqual(error.result, {
      acknowledged: true,
      insertedCount: many - taken.length,
      failedCount: taken.length,
    });
    assert.deepEqual(
      error.writeErrors!.map(({ index }) => index),
      taken,
    );
    assert.equal(await collection.countDocuments(), many);
    assert.deepEqual([source.given, source.returned], [many, 0]);
  });

  subject.test("of many failures the first are listed and all are counted", async () => {
    const collection = await subject.numbered(6_000);
    const error = await rejection(
      () => collection.insertMany(documents(0, 7_000), { ordered: false }),
      { code: 11000 },
    );
    assert.deepEqual(error.result, {
      acknowledged: true,
      insertedCount: 1_000,
      failedCount: 6_000,
    });
    assert.equal(error.writeErrors!.length, insertStreamErrorsMax);
    assert.equal(error.writeErrors!.at(-1)!.index, insertStreamErrorsMax - 1);
  });

  for (const ordered of [true, false]) {
    const mode = ordered ? "ordered" : "unordered";

    subject.test(`an unacceptable document ends a stream (${mode})`, async () => {
      const collection = await subject.collection();
      const at = insertChunkDocumentsMax + 3;
      const source = new Source(many, (n) => (n === at ? { _id: n, f: () => 1 } : { _id: n }));
      const error = await rejection(() => collection.insertMany(source, { ordered }), {
        code: 2,
        names: [`documents.${at}`, "f"],
      });
      assert.deepEqual(error.result, { acknowledged: true, insertedCount: at, failedCount: 0 });
      assert.equal(error.writeErrors, undefined);
      assert.equal(await collection.countDocuments(), at);
      assert.deepEqual([source.given, source.returned], [at + 1, 1]);
    });

    subject.test(`a source that fails ends a stream (${mode})`, async () => {
      const collection = await subject.collection();
      const failure = new RangeError("the disk is on fire");
      const at = insertChunkDocumentsMax + 3;
      const source = new Source(many, (n) => {
        if (n === at) throw failure;
        return { _id: n };
      });
      const error = await rejection(() => collection.insertMany(source, { ordered }), {
        code: "SOURCE_FAILED",
        names: [failure.message, String(at)],
      });
      assert.equal(error.cause, failure);
      assert.deepEqual(error.result, { acknowledged: true, insertedCount: at, failedCount: 0 });
      assert.equal(await collection.countDocuments(), at);
      assert.deepEqual([source.given, source.returned], [at, 1]);
    });
  }

  subject.test("an iterable that fails is told like a stream that does", async () => {
    const collection = await subject.collection();
    const failure = new Error("no more");
    let isOver = false;
    function* failing() {
      try {
        yield* documents(0, 10);
        throw failure;
      } finally {
        isOver = true;
      }
    }
    const error = await rejection(() => collection.insertMany(failing()), {
      code: "SOURCE_FAILED",
    });
    assert.equal(error.cause, failure);
    assert.equal(error.result!.insertedCount, 10);
    assert.equal(isOver, true);
  });

  subject.test(
    "the first failure of an ordered stream is the first document that failed",
    async () => {
      const collection = await subject.seeded([{ _id: 3 }]);
      const source = new Source(many, (n) => {
        if (n === 5) throw new Error("later");
        return { _id: n };
      });
      const error = await rejection(() => collection.insertMany(source), { code: 11000 });
      assert.deepEqual(error.result, { acknowledged: true, insertedCount: 3, failedCount: 1 });
      const both = await rejection(
        () =>
          collection.insertMany(new Source(many, (n) => (n < 8 ? { _id: n } : { _id: [] })), {
            ordered: false,
          }),
        { code: 53 },
      );
      assert.deepEqual(both.result, { acknowledged: true, insertedCount: 4, failedCount: 4 });
      assert.equal(both.writeErrors!.length, 4);
    },
  );

  subject.test("validators judge the documents of a stream, unless bypassed", async () => {
    const name = subject.newName();
    const database = await subject.database();
    const validator = { n: { $lt: 10 } };
    const collection = await database.createCollection(name, { validator });
    const source = () => Array.from({ length: 20 }, (_, _id) => ({ _id, n: _id })).values();
    const error = await rejection(() => collection.insertMany(source()), { code: 121 });
    assert.deepEqual(error.result, { acknowledged: true, insertedCount: 10, failedCount: 1 });
    assert.equal(error.writeErrors![0]!.index, 10);
    await collection.deleteMany({});
    const options = { bypassDocumentValidation: true };
    assert.equal((await collection.insertMany(source(), options)).insertedCount, 20);
  });

  subject.test("a schema makes the documents of a stream, or ends it", async () => {
    const schema = z.object({ _id: z.number(), age: z.coerce.number().default(18) });
    const collection = (await subject.database()).collection(subject.newName(), { schema });
    await collection.insertMany(new Set([{ _id: 1 }, { _id: 2, age: "3" as never }]));
    assert.deepEqual(await collection.find().toArray(), [
      { _id: 1, age: 18 },
      { _id: 2, age: 3 },
    ]);
    const wrong = new Source(10, (n) => (n === 4 ? { _id: "x" } : { _id: 10 + n }));
    const error = await rejection(() => collection.insertMany(wrong as never), {
      code: 121,
      names: ["documents.4"],
    });
    assert.equal(error.result!.insertedCount, 4);
    assert.ok(error.errInfo);
    assert.equal(wrong.returned, 1);
  });

  subject.test("a missing _id is set on the documents of a stream", async () => {
    const collection = await subject.collection();
    const given: Document[] = [{ a: 1 }, { a: 2 }];
    await collection.insertMany(given.values());
    assert.deepEqual(
      await collection.find().sort({ a: 1 }).toArray(),
      given.map(({ _id, a }) => ({ _id, a })),
    );
  });

  subject.test(
    "a stream is aborted before it begins, while it waits, and between chunks",
    async () => {
      const collection = await subject.collection();
      const reason = new Error("changed my mind");
      const before = new Source(many);
      const aborted = AbortSignal.abort(reason);
      assert.equal(
        await thrownBy(() => collection.insertMany(before, { signal: aborted })),
        reason,
      );
      assert.deepEqual([before.given, before.returned], [0, 1]);

      // Gives nothing: the abort comes from elsewhere, or out of the source itself.
      for (const inside of [true, false]) {
        const controller = new AbortController();
        const { signal } = controller;
        const silent = new Source(1, () => {
          if (inside) controller.abort(reason);
          else setImmediate(() => controller.abort(reason));
          return new Promise<Document>(() => {});
        });
        assert.equal(await thrownBy(() => collection.insertMany(silent, { signal })), reason);
        assert.equal(silent.returned, 1);
      }
      assert.equal(await collection.countDocuments(), 0);

      const controller = new AbortController();
      const at = insertChunkDocumentsMax + 10;
      const endless = new Source(Number.POSITIVE_INFINITY, (n) => {
        if (n === at) controller.abort(reason);
        return { _id: n };
      });
      const { signal } = controller;
      assert.equal(await thrownBy(() => collection.insertMany(endless, { signal })), reason);
      assert.deepEqual([endless.given <= at + 1, endless.returned], [true, 1]);
      assert.ok((await collection.countDocuments()) <= at);
    },
  );

  subject.test("a source that cleans up is waited for, one that never does is not", async () => {
    const collection = await subject.seeded([{ _id: 0 }]);
    let isClean = false;
    async function* source() {
      try {
        yield* documentsLater(0, many);
      } finally {
        await nextTurn();
        isClean = true;
      }
    }
    await rejection(() => collection.insertMany(source()), { code: 11000 });
    assert.equal(isClean, true);

    const controller = new AbortController();
    async function* stuck() {
      try {
        for await (const document of documentsLater(1, many)) {
          if (document._id === 10) controller.abort("enough");
          yield document;
        }
      } finally {
        await new Promise(() => {});
      }
    }
    const { signal } = controller;
    assert.equal(await thrownBy(() => collection.insertMany(stuck(), { signal })), "enough");
  });

  subject.test("many streams at once", async () => {
    const collection = await subject.collection();
    const warnings: unknown[] = [];
    const note = (warning: unknown) => warnings.push(warning);
    process.on("warning", note);
    const streams = Array.from({ length: 20 }, (_, n) =>
      collection.insertMany(documentsLater(n * 500, (n + 1) * 500)),
    );
    for (const { insertedCount } of await Promise.all(streams)) assert.equal(insertedCount, 500);
    assert.equal(await collection.countDocuments(), 10_000);
    await nextTurn();
    process.off("warning", note);
    assert.deepEqual(warnings, []);
  });
}
