import { fork } from "node:child_process";
import { fileURLToPath } from "node:url";
import { type Collection, LioranManager } from "@liorandb/core";
import { median, type Series, type Verdict } from "../report.js";
import { benchDocument, filledId } from "../stores/store.js";
import { type Contender, interleave, temporaryFolder, type Workload } from "../workload.js";

const DOCUMENTS = 100_000;
const INSERTED_AT_ONCE = 10_000;
const GOAL_TIMES = 1.8;
const module = new URL("../jobs/similarity-module.js", import.meta.url);
const bareChild = fileURLToPath(new URL("../jobs/bare-child.js", import.meta.url));

/**
 * A job whose module computes, with one child and with two, each from its start to its end; and what this machine
 * gives two processes that compute the same without a database, which is the most that a job can get.
 */
export const job: Workload = {
  name: "job",
  stores: ["LioranDB"],
  run: async (context) => {
    const manager = new LioranManager({ rootPath: await temporaryFolder() });
    const people = (await manager.db("bench")).collection("people");
    await fill(people);
    const contenders = [jobWith(people, 1), jobWith(people, 2), bareWith(1), bareWith(2)];
    const series = await interleave(contenders, context);
    await manager.close();
    return {
      title: `job: a module that computes over ${DOCUMENTS.toLocaleString("en-US")} documents`,
      unit: "documents/s",
      series,
      verdicts: [verdict(series as [Series, Series, Series, Series])],
    };
  },
};

async function fill(people: Collection): Promise<void> {
  for (let from = 0; from < DOCUMENTS; from += INSERTED_AT_ONCE) {
    await people.insertMany(
      Array.from({ length: INSERTED_AT_ONCE }, (_, at) =>
        benchDocument(filledId(from + at), from + at),
      ),
    );
  }
}

function jobWith(people: Collection, concurrency: number): Contender {
  return {
    name: `job, ${concurrency} child(ren)`,
    measure: async () => {
      const start = performance.now();
      const { documents, failed } = await people.parallel(module, { concurrency });
      if (failed.length > 0) throw failed[0]!.error;
      if (documents !== DOCUMENTS) throw new Error(`job: only ${documents} documents`);
      return perSecond(start);
    },
  };
}

function bareWith(processes: number): Contender {
  return {
    name: `no database, ${processes} process(es)`,
    measure: async () => {
      const count = DOCUMENTS / processes;
      const start = performance.now();
      await Promise.all(Array.from({ length: processes }, (_, at) => endOf(at * count, count)));
      return perSecond(start);
    },
  };
}

function endOf(from: number, count: number): Promise<void> {
  const child = fork(bareChild, [String(from), String(count)]);
  return new Promise((resolve, reject) => {
    child.once("exit", (code) => {
      if (code === 0) resolve();
      else reject(new Error(`job: a process without a database ended with ${code}`));
    });
  });
}

function perSecond(startMs: number): number {
  return (DOCUMENTS * 1_000) / (performance.now() - startMs);
}

function verdict([one, two, bareOne, bareTwo]: [Series, Series, Series, Series]): Verdict {
  const times = timesOf(one, two);
  const bareTimes = timesOf(bareOne, bareTwo);
  return {
    text:
      `two children are ${times.toFixed(2)} times as fast as one ` +
      `(two processes without a database: ${bareTimes.toFixed(2)} times)`,
    goal: `at least ${GOAL_TIMES}`,
    met: times >= GOAL_TIMES,
  };
}

/** Of what was measured in the same round: minutes differ by more than what is to be seen. */
function timesOf(one: Series, two: Series): number {
  return median(two.samples.map((sample, round) => sample / one.samples[round]!));
}
