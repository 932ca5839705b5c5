/**
 * Frames that are nearly right, before and after the handshake, against a primary in a process of its own, beside a
 * client that keeps the rules: whatever comes, each request gets one answer or the connection ends, the client notices
 * nothing, and the primary lives on within its memory.
 */
import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { ERRORS } from "../../../src/errors.js";
import { type Frame, FrameKind } from "../../../src/protocol/frame.js";
import { decodeFailure } from "../../../src/protocol/messages.js";
import { checkInOwnProcess } from "../../support/checked-indexes.js";
import { progress, Random, scaled, seed } from "../../support/soak.js";
import { type Agent, openAgent } from "../agent.js";
import { connectClient, connectRaw, helloOf, type RawPeer } from "../raw-peer.js";
import { Site } from "../site.js";
import { SpoiledFrames } from "./spoiled-frames.js";

const helloCount = scaled(200, 100_000);
const frameCount = scaled(2_000, 1_000_000);
/** Frames of one connection, unless one of them ends it. */
const perConnection = 200;
const grownBytesMax = 400e6;

test(`no first frame harms a primary (seed ${seed})`, async (t) => {
  const scene = await Scene.make(t);
  const spoiled = new SpoiledFrames(new Random(seed));
  let accepted = 0;
  for (let n = 0; n < helloCount; n += 1) {
    const peer = await connectRaw(scene.site);
    // The end of the stream is behind it: what is cut does not wait for more.
    peer.socket.end(spoiled.hello(helloOf(scene.site)));
    await peer.disconnected();
    const kinds = peer.frames.map(({ kind }) => kind);
    assert.ok(kinds.length <= 1, `a first frame was answered by ${kinds}`);
    if (kinds[0] === FrameKind.welcome) accepted += 1;
    else if (kinds[0] !== undefined) assert.equal(kinds[0], FrameKind.refuse);
    if (n % 10_000 === 9_999) progress(`${n + 1} first frames, ${accepted} accepted`);
  }
  t.diagnostic(`${accepted} of ${helloCount} were accepted`);
  await scene.isWell();
});

test(`no frame behind the handshake harms a primary (seed ${seed})`, async (t) => {
  const scene = await Scene.make(t);
  const random = new Random(seed);
  const spoiled = new SpoiledFrames(random);
  const codes = new Map<string, number>();
  let sent = 0;
  for (let connections = 1; sent < frameCount; connections += 1) {
    const peer = await connectClient(scene.site);
    const isBroken = connections % 4 === 0;
    const { bytes, asked } = spoiled.stream(perConnection, isBroken);
    sent += perConnection;
    sendInPieces(peer, bytes, random);
    if (isBroken) await endOf(peer);
    else await answersTo(peer, asked);
    for (const frame of peer.frames) {
      const code = codeOf(frame);
      codes.set(code, (codes.get(code) ?? 0) + 1);
    }
    peer.socket.destroy();
    if (connections % 25 === 0) {
      await scene.isServing();
      progress(`${sent} frames: ${JSON.stringify(Object.fromEntries(codes))}`);
    }
  }
  t.diagnostic(JSON.stringify(Object.fromEntries(codes)));
  await scene.isWell();
});

function sendInPieces(peer: RawPeer, bytes: Buffer, random: Random): void {
  for (let at = 0; at < bytes.length; ) {
    const end = at + 1 + random.below(random.pick([10, 1_000, 100_000]));
    peer.socket.write(bytes.subarray(at, end));
    at = end;
  }
}

/** Until the connection is over: the end of the stream comes behind a frame that may have been cut. */
async function endOf(peer: RawPeer): Promise<void> {
  peer.socket.end();
  await peer.disconnected();
}

/** Each request is answered as often as it was sent, which is once. */
async function answersTo(peer: RawPeer, asked: ReadonlyMap<number, number>): Promise<void> {
  let expected = 0;
  for (const times of asked.values()) expected += times;
  await peer.until(`${expected} answers`, () =>
    // The welcome is the first frame.
    peer.frames.length > expected || peer.closed ? true : undefined,
  );
  const left = new Map(asked);
  for (const { kind, sequence } of peer.frames.slice(1)) {
    assert.ok(kind === FrameKind.reply || kind === FrameKind.failure, `a frame of kind ${kind}`);
    const times = left.get(sequence) ?? 0;
    assert.ok(times > 0, `request ${sequence} was answered too often`);
    left.set(sequence, times - 1);
  }
  const unanswered = [...left].filter(([, times]) => times > 0);
  assert.deepEqual(unanswered, [], "requests without an answer");
}

function codeOf({ kind, body }: Frame): string {
  if (kind !== FrameKind.failure) return kind === FrameKind.reply ? "result" : `kind ${kind}`;
  const { code, message, cause } = decodeFailure(body);
  assert.notEqual(code, ERRORS.INTERNAL.code, `${message}\n${(cause as Error)?.message}`);
  return String(code);
}

const validationWarning =
  /^\(node:\d+\) \[DOCUMENT_VALIDATION_FAILED\].*\n(?:\(Use `node --trace-warnings .*\n)?/gm;

/** A primary, and a client beside the peers that breaks no rule. */
class Scene {
  readonly site: Site;
  readonly #primary: Agent;
  readonly #client: Agent;
  readonly #idleBytes: number;

  private constructor(site: Site, primary: Agent, client: Agent, idleBytes: number) {
    this.site = site;
    this.#primary = primary;
    this.#client = client;
    this.#idleBytes = idleBytes;
  }

  static async make(t: TestContext): Promise<Scene> {
    const site = new Site(t);
    const primary = await openAgent(site, "primary", { cores: 1 });
    const client = await openAgent(site, "client", { ipc: "client", reads: "primary", cores: 1 });
    await client.things("insertMany", [
      { _id: 1, n: 1, list: [1] },
      { _id: 2, n: 2 },
    ]);
    await client.things("createIndex", { n: 1 });
    const idleBytes = (await primary.call("residentBytes")) as number;
    return new Scene(site, primary, client, idleBytes);
  }

  /** The client was never disconnected, and is served; the primary has not grown without bound. */
  async isServing(): Promise<void> {
    const others = ["db", "beside"] as const;
    const id = await this.#client.chain([...others], ["collection", "own"], ["insertOne", {}]);
    const { insertedId } = id as { insertedId: string };
    const found = await this.#client.chain(
      [...others],
      ["collection", "own"],
      ["findOne", { _id: insertedId }],
    );
    assert.deepEqual(found, { _id: insertedId });
    assert.deepEqual(this.#client.events("primary-lost"), []);
    assert.deepEqual(this.#primary.events("primary-lost"), []);
    const grown = ((await this.#primary.call("residentBytes")) as number) - this.#idleBytes;
    assert.ok(grown < grownBytesMax, `the primary has grown by ${Math.round(grown / 1e6)} MB`);
  }

  async isWell(): Promise<void> {
    await this.isServing();
    // A million operations also find the way to a validator that warns.
    const { stderr } = this.#primary.process;
    assert.equal(stderr.replaceAll(validationWarning, ""), "");
    await checkInOwnProcess(this.site.rootPath);
    await this.#client.close();
    await this.#primary.close();
  }
}
