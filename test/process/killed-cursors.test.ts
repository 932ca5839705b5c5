/** Cursors that are open at the primary, seen from the socket. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { openAgent } from "./agent.js";
import { connectClient, type RawPeer } from "./raw-peer.js";
import { Site } from "./site.js";

const operations = {
  find: { kind: "find", filter: {}, batchSize: 2 },
  aggregate: { kind: "aggregate", pipeline: [{ $set: { a: 1 } }], batchSize: 2 },
};

async function cursorOf(peer: RawPeer, operation: object): Promise<number> {
  const target = { db: "app", collection: "things" };
  const answer = await peer.answer(peer.request({ ...operation, ...target }));
  assert.ok("result" in answer, JSON.stringify(answer));
  const { cursor, batch } = answer.result as { cursor: number; batch: { count: number } };
  assert.equal(batch.count, 2);
  assert.ok(cursor > 0);
  return cursor;
}

test("a cursor that is killed is gone at the primary, and only that one", async (t) => {
  const site = new Site(t);
  const primary = await openAgent(site, "primary");
  await primary.things(
    "insertMany",
    Array.from({ length: 1_000 }, (_, _id) => ({ _id })),
  );
  const peer = await connectClient(site);
  for (const operation of Object.values(operations)) {
    const [killed, other] = [await cursorOf(peer, operation), await cursorOf(peer, operation)];
    const kill = { kind: "killCursors", cursors: [killed, killed] };
    assert.deepEqual(await peer.answer(peer.request(kill)), { result: 1 });
    const gone = await peer.failure(peer.request({ kind: "getMore", cursor: killed }));
    assert.deepEqual([gone.code, gone.retryable], [43, true]);
    const more = await peer.answer(peer.request({ kind: "getMore", cursor: other, batchSize: 2 }));
    assert.ok("result" in more, "the other one goes on");
    assert.deepEqual(await peer.answer(peer.request({ ...kill, cursors: [other] })), { result: 1 });
  }

  // A cursor is its connection's own.
  const own = await cursorOf(peer, operations.find);
  const stranger = await connectClient(site);
  const refused = await stranger.failure(stranger.request({ kind: "getMore", cursor: own }));
  assert.equal(refused.code, 43);
  stranger.socket.destroy();
  peer.socket.destroy();
});
