import assert from "node:assert/strict";
import { once } from "node:events";
import { test } from "node:test";
import { Worker } from "node:worker_threads";
import { breakMeeting, meetingCells } from "../../../src/runtime/snapshot-meeting.js";

const threads = 3;
const module = new URL("../../../src/runtime/snapshot-meeting.js", import.meta.url).href;

/** A thread that takes "snapshots" of a counter that others change. */
const code = (place: number, body: string) => `
  import { parentPort, workerData } from "node:worker_threads";
  import { breakMeeting, SnapshotMeeting, MeetingBroken, NoCommonState } from ${JSON.stringify(module)};
  const meeting = new SnapshotMeeting(workerData.cells, ${threads}, ${place});
  const counter = new Int32Array(workerData.counter);
  const taken = [];
  const givenBack = [];
  const give = (value) => givenBack.push(value);
  try {
    ${body}
  } catch (error) {
    parentPort.postMessage({ error: error.constructor.name, taken, givenBack });
  }`;

const meets = `
  const value = meeting.take(() => {
    const value = Atomics.load(counter, 0);
    taken.push(value);
    return { value, mark: [1, value] };
  }, give, () => {});
  parentPort.postMessage({ value, taken, givenBack });`;

interface Report {
  value?: number;
  error?: string;
  taken: number[];
  givenBack: number[];
}

test("all leave with the same state while it changes, and give back what they took in vain", async (t) => {
  const counter = new SharedArrayBuffer(4);
  const changing = new Worker(
    `const { workerData } = require("node:worker_threads");
     const counter = new Int32Array(workerData.counter);
     for (;;) {
       Atomics.add(counter, 0, 1);
       Atomics.wait(counter, 0, Atomics.load(counter, 0), 5);
     }`,
    { eval: true, workerData: { counter } },
  );
  t.after(() => changing.terminate());
  for (let round = 0; round < 5; round += 1) {
    const reports = await run(counter, () => meets);
    assert.equal(new Set(reports.map(({ value }) => value)).size, 1, JSON.stringify(reports));
    for (const { value, taken, givenBack } of reports) {
      assert.deepEqual([...givenBack, value], taken);
    }
  }
});

test("a state that always differs ends the meeting, and nothing is kept", async () => {
  const always = `
    const value = meeting.take(() => {
      const value = Atomics.add(counter, 0, 1);
      taken.push(value);
      return { value, mark: [1, value] };
    }, give, () => {});`;
  const reports = await run(new SharedArrayBuffer(4), () => always);
  for (const { error, taken, givenBack } of reports) {
    assert.equal(error, "NoCommonState");
    assert.deepEqual(givenBack, taken);
  }
});

test("one that does not come is no reason to wait for ever", async () => {
  const cells = meetingCells(threads);
  const reports = run(new SharedArrayBuffer(4), (place) => (place === 0 ? "" : meets), cells);
  breakMeeting(cells);
  const [, ...others] = await reports;
  for (const { error } of others) assert.equal(error, "MeetingBroken");
});

test("a thread that fails in the middle leaves nobody with a snapshot", async () => {
  const fails = `
    try {
      meeting.take(() => { throw new RangeError("no snapshot"); }, give, () => {});
    } catch (error) {
      breakMeeting(workerData.cells);
      throw error;
    }`;
  const reports = await run(new SharedArrayBuffer(4), (place) => (place === 0 ? fails : meets));
  assert.deepEqual(
    reports.map(({ error }) => error),
    ["RangeError", "MeetingBroken", "MeetingBroken"],
  );
  for (const { taken, givenBack } of reports) assert.deepEqual(givenBack, taken);
});

test("who gives up after all have agreed changes nothing", async () => {
  const cells = meetingCells(threads);
  const reports = await run(new SharedArrayBuffer(4), () => meets, cells);
  assert.equal(breakMeeting(cells), false);
  assert.deepEqual(
    reports.map(({ value }) => value),
    [0, 0, 0],
  );
});

test("whoever is told to stop while it waits stops", async () => {
  const stops = `meeting.take(() => ({ value: 1, mark: [1, 1] }), give, () => { throw new RangeError("stop"); });`;
  const cells = meetingCells(threads);
  const [first] = await run(new SharedArrayBuffer(4), (place) => (place === 0 ? stops : ""), cells);
  assert.equal(first!.error, "RangeError");
});

async function run(
  counter: SharedArrayBuffer,
  body: (place: number) => string,
  cells = meetingCells(threads),
): Promise<Report[]> {
  return Promise.all(
    Array.from({ length: threads }, async (_, place) => {
      const url = `data:text/javascript,${encodeURIComponent(code(place, body(place)))}`;
      const worker = new Worker(new URL(url), { workerData: { cells, counter } });
      const messages: Report[] = [];
      worker.on("message", (message: Report) => messages.push(message));
      await once(worker, "exit");
      return messages[0] ?? { taken: [], givenBack: [] };
    }),
  );
}
