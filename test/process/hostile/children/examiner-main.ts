/**
 * Opens roots whose files may be damaged, does with them what an application does, and tells how each step ended.
 * The other end is `../examiner.ts`.
 */
import { createHash } from "node:crypto";
import { type Collection, type Document, LioranManager } from "../../../../src/index.js";

export interface ExamineCall {
  rootPath: string;
  ipc: "auto" | "readonly";
  cores: number;
}

/** How a step ended: what it gave, or the error that it failed with. */
export interface StepOutcome {
  step: string;
  value?: unknown;
  error?: { code: string; message: string; stack: string };
}

type Step = (things: Collection, manager: LioranManager) => unknown;

const digest = (document: Document | null): string =>
  createHash("sha256").update(JSON.stringify(document)).digest("hex").slice(0, 12);

const digests = (documents: Document[]): string[] =>
  documents.map((document) => `${String(document._id)}:${digest(document)}`).sort();

const reads: Record<string, Step> = {
  findById: async (things) => digest(await things.findOne({ _id: 77 })),
  findBig: async (things) => digest(await things.findOne({ _id: "big 1" })),
  scan: async (things) => digests(await things.find({}).toArray()),
  filteredScan: async (things) =>
    digests(await things.find({ "inner.tag": "t3" }).hint({ $natural: 1 }).toArray()),
  indexRead: async (things) => digests(await things.find({ n: { $gte: 7 } }).toArray()),
  coveredRead: async (things) => (await things.distinct("n", { n: { $gte: 1 } })).sort(),
  sorted: async (things) =>
    (await things.find({ n: 3 }).sort({ text: -1 }).toArray()).map(({ _id }) => String(_id)),
  count: (things) => things.countDocuments({}),
  countByIndex: (things) => things.countDocuments({ n: 3 }),
  estimated: (things) => things.estimatedDocumentCount(),
  grouped: async (things) =>
    (await things.aggregate([{ $group: { _id: "$n", of: { $sum: 1 } } }]).toArray())
      .map(({ _id, of }) => `${_id}:${of}`)
      .sort(),
  collections: async (_things, manager) =>
    (await (await manager.db("app")).listCollections().toArray()).map(({ name }) => name).sort(),
  databases: async (_things, manager) => (await manager.listDatabases()).databases?.length,
};

const writes: Record<string, Step> = {
  insert: (things) => things.insertOne({ _id: "new", n: 3, u: "new" }),
  update: async (things) => (await things.updateMany({ n: 5 }, { $inc: { m: 1 } })).matchedCount,
  remove: async (things) => (await things.deleteMany({ n: 6 })).deletedCount,
  createIndex: (things) => things.createIndex({ "inner.tag": 1 }),
  readBack: async (things) => (await things.findOne({ _id: "new" }))?.u,
  other: async (_things, manager) => {
    const others = (await manager.db("other")).collection("others");
    await others.insertOne({ _id: "x" });
    return await others.countDocuments({});
  },
};

process.on("message", async (call: ExamineCall) => {
  const outcomes = await examine(call);
  process.send!({ outcomes });
});

async function examine({ rootPath, ipc, cores }: ExamineCall): Promise<StepOutcome[]> {
  const outcomes: StepOutcome[] = [];
  const attempt = async (step: string, work: () => unknown) => {
    // Told before it runs: a step that ends the process is known by its name.
    process.send!({ begins: step });
    try {
      outcomes.push({ step, value: await work() });
    } catch (error) {
      const { code = "none", message, stack = "", cause } = error as Error & { code?: unknown };
      const from = cause instanceof Error ? (cause.stack ?? "") : "";
      outcomes.push({ step, error: { code: String(code), message, stack: `${stack}\n${from}` } });
    }
  };
  let manager: LioranManager | undefined;
  await attempt("open", async () => {
    manager = new LioranManager({
      rootPath,
      ipc: ipc === "auto" ? undefined : ipc,
      cores,
      primaryTimeoutMs: 10_000,
    });
    if (ipc !== "readonly") await (await manager.db("app")).command({ ping: 1 });
  });
  if (!manager) return outcomes;
  manager.on("error", () => {});
  const steps = ipc === "readonly" ? reads : { ...reads, ...writes };
  for (const [name, step] of Object.entries(steps)) {
    await attempt(name, async () =>
      step((await manager!.db("app")).collection("things"), manager!),
    );
  }
  await attempt("close", () => manager!.close());
  return outcomes;
}
