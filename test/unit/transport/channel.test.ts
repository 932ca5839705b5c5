import assert from "node:assert/strict";
import { describe, type TestContext, test } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import { LioranError } from "../../../src/errors.js";
import { InvariantError } from "../../../src/invariant.js";
import { frameBytesMax, handshakeBytesMax, sendBufferBytesMax } from "../../../src/limits.js";
import { FrameKind } from "../../../src/protocol/frame.js";
import { decodeRefuse } from "../../../src/protocol/messages.js";
import { sendBufferLowWaterBytes } from "../../../src/transport/channel.js";
import { observe, transports } from "./channel-pairs.js";

const { request, reply, refuse, goodbye } = FrameKind;
const empty = new Uint8Array(0);
const MiB = 1024 * 1024;

for (const { name, connect } of transports) {
  const pair = async (t: TestContext) => {
    const [near, far] = (await connect(t)).map(observe);
    near!.channel.start();
    far!.channel.start();
    return [near!, far!] as const;
  };

  describe(name, () => {
    test("delivers frames whole and in order, both ways", async (t) => {
      const [near, far] = await pair(t);
      far.onFrame = ({ sequence, body }) => far.channel.send(reply, sequence, Buffer.from(body));
      const count = 3_000;
      for (let sequence = 1; sequence <= count; sequence++) {
        near.channel.send(request, sequence, new Uint8Array(sequence % 300).fill(sequence));
        if (sequence % 100 === 0) await turn();
      }
      await near.until(() => near.frames.length === count);
      near.frames.forEach((frame, index) => {
        const sequence = index + 1;
        assert.equal(frame.kind, reply);
        assert.equal(frame.sequence, sequence);
        assert.ok(Buffer.alloc(sequence % 300, sequence).equals(frame.body));
      });
    });

    test("carries a mix of small and large bodies, up to the largest", async (t) => {
      const [near, far] = await pair(t);
      far.channel.allowLargeFrames();
      const sizes = [0, 1, 8_191, 8_192, 8_193, 100, MiB, 0, 65_536, 5, frameBytesMax, 7];
      sizes.forEach((bytes, index) => {
        near.channel.send(request, index, new Uint8Array(bytes).fill(index + 1));
      });
      await far.until(() => far.frames.length === sizes.length);
      far.frames.forEach(({ sequence, body }, index) => {
        assert.equal(sequence, index);
        assert.ok(Buffer.alloc(sizes[index]!, index + 1).equals(body));
      });
    });

    test("sends what was queued before start()", async (t) => {
      const [near, far] = (await connect(t)).map(observe);
      near!.channel.send(request, 1, empty);
      await turn();
      far!.channel.start();
      await far!.until(() => far!.frames.length === 1);
    });

    test("refuses a large body before the handshake and says why to both sides", async (t) => {
      const [near, far] = await pair(t);
      near.channel.send(request, 1, new Uint8Array(handshakeBytesMax + 1));
      const error = await far.closed();
      assert.equal(error?.code, "PROTOCOL");
      assert.match(error.message, /before the handshake/);
      await near.until(() => near.frames.length === 1);
      assert.equal(near.frames[0]!.kind, refuse);
      assert.equal(decodeRefuse(near.frames[0]!.body).message, error.message);
      await near.closed();
      assert.equal(far.frames.length, 0);
    });

    test("treats a protocol error of its owner like one of the stream", async (t) => {
      const [near, far] = await pair(t);
      far.onFrame = () => {
        throw new LioranError("PROTOCOL", "this body makes no sense");
      };
      near.channel.send(request, 1, empty);
      near.channel.send(request, 2, empty);
      assert.match((await far.closed())!.message, /makes no sense/);
      await near.until(() => near.frames.length === 1);
      assert.match(decodeRefuse(near.frames[0]!.body).message, /makes no sense/);
      await near.closed();
      assert.equal(far.frames.length, 1);
    });

    test("counts unread bytes and reports once when a peer that stopped reads again", async (t) => {
      const [near, far] = await pair(t);
      far.channel.allowLargeFrames();
      far.channel.pause();
      const count = 32;
      for (let sequence = 0; sequence < count; sequence++) {
        near.channel.send(request, sequence, new Uint8Array(MiB / 2));
        await turn();
      }
      assert.ok(near.channel.bufferedBytes > sendBufferBytesMax);
      assert.equal(near.drains, 0);
      assert.equal(far.frames.length, 0);
      far.channel.resume();
      await near.until(() => near.drains > 0);
      assert.ok(near.channel.bufferedBytes <= sendBufferLowWaterBytes);
      await far.until(() => far.frames.length === count);
      far.channel.send(reply, 1, empty);
      await near.until(() => near.frames.length === 1);
      assert.equal(near.drains, 1);
      assert.equal(near.channel.bufferedBytes, 0);
      assert.deepEqual(
        far.frames.map((frame) => frame.sequence),
        Array.from({ length: count }, (_, index) => index),
      );
    });

    test("delivers nothing in a pause, not even the rest of the turn", async (t) => {
      const [near, far] = await pair(t);
      far.onFrame = ({ sequence }) => {
        if (sequence % 3 === 0) far.channel.pause();
      };
      for (let sequence = 1; sequence <= 10; sequence++)
        near.channel.send(request, sequence, empty);
      for (const seen of [3, 6, 9]) {
        await far.until(() => far.frames.length >= seen);
        for (let turns = 0; turns < 5; turns++) await turn();
        assert.equal(far.frames.length, seen);
        far.channel.resume();
        assert.equal(far.frames.length, seen, "resume() itself delivers nothing");
      }
      await far.until(() => far.frames.length === 10);
      assert.deepEqual(
        far.frames.map((frame) => frame.sequence),
        [1, 2, 3, 4, 5, 6, 7, 8, 9, 10],
      );
    });

    test("delivers what arrived before an orderly end, even when paused meanwhile", async (t) => {
      const [near, far] = await pair(t);
      far.onFrame = ({ sequence }) => {
        if (sequence === 1) far.channel.pause();
      };
      for (let sequence = 1; sequence <= 5; sequence++) near.channel.send(request, sequence, empty);
      near.channel.end();
      await far.until(() => far.frames.length === 1);
      for (let turns = 0; turns < 5; turns++) await turn();
      assert.deepEqual([far.frames.length, far.closes.length], [1, 0]);
      far.channel.resume();
      assert.equal(await far.closed(), undefined);
      assert.equal(far.frames.length, 5);
      assert.equal(await near.closed(), undefined);
    });

    test("paused until it drains and left by its peer, drains, and then meets the end", async (t) => {
      const [near, far] = await pair(t);
      near.onFrame = () => near.channel.pause();
      far.channel.allowLargeFrames();
      far.channel.pause();
      for (let sequence = 1; sequence <= 3; sequence++) far.channel.send(request, sequence, empty);
      await near.until(() => near.frames.length === 1);
      for (let sequence = 0; sequence < 32; sequence++) {
        near.channel.send(reply, sequence, new Uint8Array(MiB / 2));
        await turn();
      }
      assert.ok(near.channel.bufferedBytes > sendBufferBytesMax);
      near.onFrame = () => {};
      far.channel.destroy();
      await near.until(() => near.drains > 0);
      assert.equal(near.channel.bufferedBytes, 0);
      assert.deepEqual([near.frames.length, near.drains, near.closes.length], [1, 1, 0]);
      near.channel.resume();
      await near.closed();
      assert.equal(near.frames.length, 3);
    });

    test("paused and left by its peer, closes when its owner ends it", async (t) => {
      for (const leave of ["end", "destroy"] as const) {
        const [near, far] = await pair(t);
        far.onFrame = () => far.channel.pause();
        near.channel.send(request, 1, empty);
        near.channel.send(request, 2, empty);
        near.channel.end();
        await far.until(() => far.frames.length === 1);
        for (let turns = 0; turns < 5; turns++) await turn();
        far.channel[leave]();
        assert.equal(await far.closed(), undefined);
        await near.closed();
        assert.equal(far.frames.length, 1);
      }
    });

    test("end() flushes, ignores what is sent or received later, and closes both ends", async (t) => {
      const [near, far] = await pair(t);
      far.channel.allowLargeFrames();
      near.channel.send(request, 1, new Uint8Array(4 * MiB));
      near.channel.send(goodbye, 0, empty);
      near.channel.end();
      near.channel.end();
      near.channel.send(request, 2, empty);
      far.channel.send(reply, 1, empty);
      assert.equal(await far.closed(), undefined);
      assert.equal(await near.closed(), undefined);
      assert.deepEqual(
        far.frames.map((frame) => frame.kind),
        [request, goodbye],
      );
      assert.equal(near.frames.length, 0);
    });

    test("destroy() closes at once, hands its error over, and delivers nothing more", async (t) => {
      const [near, far] = await pair(t);
      far.onFrame = () => far.channel.destroy(new LioranError("ABORTED", "enough"));
      for (let sequence = 1; sequence <= 5; sequence++) near.channel.send(request, sequence, empty);
      assert.equal((await far.closed())?.message, "enough");
      await near.closed();
      assert.equal(far.frames.length, 1);
    });

    test("closes exactly once, and is harmless afterwards", async (t) => {
      const [near, far] = await pair(t);
      near.channel.destroy();
      near.channel.destroy(new LioranError("IO", "late"));
      near.channel.end();
      assert.equal(near.closes.length, 0, "never inside a call");
      assert.equal(await near.closed(), undefined);
      await far.closed();
      for (const { channel } of [near, far]) {
        channel.send(request, 1, empty);
        channel.pause();
        channel.resume();
        channel.ref();
        channel.unref();
        channel.end();
        channel.destroy();
      }
      for (let turns = 0; turns < 5; turns++) await turn();
      assert.deepEqual([near.closes.length, far.closes.length], [1, 1]);
      assert.deepEqual([near.channel.bufferedBytes, far.channel.bufferedBytes], [0, 0]);
    });

    test("both ends may end at the same time", async (t) => {
      const [near, far] = await pair(t);
      near.channel.end();
      far.channel.end();
      assert.equal(await near.closed(), undefined);
      assert.equal(await far.closed(), undefined);
    });

    test("closes when it was never started", async (t) => {
      const [near, far] = (await connect(t)).map(observe);
      near!.channel.end();
      far!.channel.destroy();
      await near!.closed();
      await far!.closed();
    });

    test("is started once", async (t) => {
      const [near] = await pair(t);
      assert.throws(() => near.channel.start(), InvariantError);
    });
  });
}
