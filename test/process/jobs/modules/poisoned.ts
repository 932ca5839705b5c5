/** Fails in a way that its arguments name, in the batch that has a document with `isPoison`. */
import type { Document, JobContext } from "@liorandb/core";

type Way = (context: JobContext) => unknown;

const ways: Record<string, Way> = {
  throw: () => {
    throw new RangeError("this document is poison");
  },
  reject: () => Promise.reject("no error at all"),
  exit: () => process.exit(3),
  endless: () => {
    for (;;);
  },
  never: () => new Promise(() => {}),
  uncloneable: () => ({ f: () => 1 }),
  large: () => "x".repeat(2 ** 21),
  memory: () => {
    const eaten: unknown[] = [];
    for (;;) eaten.push(new Array(10_000).fill(eaten.length));
  },
  uncaught: () => {
    setImmediate(() => {
      throw new RangeError("thrown where nobody catches");
    });
    return new Promise(() => {});
  },
  duplicate: (context) => {
    context.collection("effects").insertOne({ _id: "a" });
    context.collection("effects").insertOne({ _id: "a" });
  },
  "wrong write": (context) => context.collection("effects").updateOne({}, { a: 1 } as never),
  database: (context) => context.db.collection("things").findOne({}),
  write: (context) => context.collection("effects").insertOne({}),
  disconnect: () => {
    process.disconnect();
    return new Promise(() => {});
  },
};

export function map(batch: Document[], context: JobContext<{ way: string }>): unknown {
  if (batch.some(({ isPoison }) => isPoison)) return ways[context.args.way]!(context);
  return batch.length;
}

export const reduce = (a: number, b: number): number => a + b;
