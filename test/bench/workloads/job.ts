import { LioranManager } from "@liorandb/core";
import { median, type Series, type Verdict } from "../report.js";
import { benchDocument, filledId } from "../stores/store.js";
import { interleave, temporaryFolder, type Workload } from "../workload.js";

const DOCUMENTS = 100_000;
const INSERTED_AT_ONCE = 10_000;
const GOAL_TIMES = 1.8;
const module = new URL("../jobs/hash-module.js", import.meta.url);

/** A job whose module computes, with one child and with two, each from its start to its end. */
export const job: Workload = {
  name: "job",
  stores: ["LioranDB"],
  run: async (context) => {
    const manager = new LioranManager({ rootPath: await temporaryFolder() });
    const people = (await manager.db("bench")).collection("people");
    for (let from = 0; from < DOCUMENTS; from += INSERTED_AT_ONCE) {
      await people.insertMany(
        Array.from({ length: INSERTED_AT_ONCE }, (_, at) =>
          benchDocument(filledId(from + at), from + at),
        ),
      );
    }
    const values = new Set<unknown>();
    const contenders = [1, 2].map((concurrency) => ({
      name: concurrency === 1 ? "one child" : "two children",
      measure: async () => {
        const start = performance.now();
        const { value, failed } = await people.parallel(module, { concurrency });
        if (failed.length > 0) throw failed[0]!.error;
        values.add(value);
        return (DOCUMENTS * 1_000) / (performance.now() - start);
      },
    }));
    const series = await interleave(contenders, context);
    await manager.close();
    if (values.size !== 1) throw new Error("job: the results differ");
    return {
      title: `job: a module that computes over ${DOCUMENTS.toLocaleString("en-US")} documents`,
      unit: "documents/s",
      series,
      verdicts: [verdict(series as [Series, Series])],
    };
  },
};

function verdict([one, two]: [Series, Series]): Verdict {
  const times = median(two.samples) / median(one.samples);
  return {
    text: `two children are ${times.toFixed(2)} times as fast as one`,
    goal: `at least ${GOAL_TIMES}`,
    met: times >= GOAL_TIMES,
  };
}
