import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, test } from "node:test";
import { LioranError } from "../../../src/errors.js";
import { InvariantError } from "../../../src/invariant.js";
import { frameBytesMax, frameHeaderBytes, handshakeBytesMax } from "../../../src/limits.js";
import { encodeFrame, type Frame, FrameKind, FrameParser } from "../../../src/protocol/frame.js";
import { goldenFrames } from "./golden-frames.js";

function parserInto(frames: Frame[]): FrameParser {
  const parser = new FrameParser((frame) => frames.push(frame));
  parser.bodyBytesMax = frameBytesMax;
  return parser;
}

/** As text, so that bodies compare by content whatever class holds them. */
function shown(frames: Frame[]): string[] {
  return frames.map(
    ({ kind, sequence, body }) => `${kind} ${sequence} ${Buffer.from(body).toString("hex")}`,
  );
}

function header(fields: {
  bodyBytes?: number;
  kind?: number;
  version?: number;
  reserved?: number;
  sequence?: bigint;
}): Uint8Array {
  const bytes = Buffer.alloc(frameHeaderBytes);
  bytes.writeUInt32LE(fields.bodyBytes ?? 0, 0);
  bytes[4] = fields.kind ?? FrameKind.request;
  bytes[5] = fields.version ?? 1;
  bytes.writeUInt16LE(fields.reserved ?? 0, 6);
  bytes.writeBigUInt64LE(fields.sequence ?? 0n, 8);
  return bytes;
}

function rejects(bytes: Uint8Array, code: string, message: RegExp, bodyBytesMax = frameBytesMax) {
  const parser = new FrameParser(() => assert.fail("no frame may come out"));
  parser.bodyBytesMax = bodyBytesMax;
  assert.throws(
    () => parser.push(bytes),
    (error) => error instanceof LioranError && error.code === code && message.test(error.message),
  );
  assert.equal(parser.pendingBodyCapacityBytes, 0);
  assert.throws(() => parser.push(bytes), InvariantError);
}

describe("golden frames", () => {
  test("there is one for every kind", () => {
    const kinds = new Set(goldenFrames.map((golden) => golden.kind));
    assert.deepEqual(kinds, new Set(Object.values(FrameKind)));
  });

  test("are the ones that docs/protocol.md shows", () => {
    const page = readFileSync(new URL("../../../../docs/protocol.md", import.meta.url), "utf8");
    const shownBytes = page.replaceAll(/\s/g, "");
    for (const { name, frameHex } of goldenFrames) assert.ok(shownBytes.includes(frameHex), name);
  });

  for (const { name, kind, sequence, bodyHex, frameHex } of goldenFrames) {
    test(`${name} is encoded to the documented bytes`, () => {
      const frame = encodeFrame(kind, sequence, Buffer.from(bodyHex, "hex"));
      assert.equal(Buffer.from(frame).toString("hex"), frameHex);
    });

    test(`${name} is read back, cut at every byte`, () => {
      const bytes = Buffer.from(frameHex, "hex");
      for (let cut = 0; cut <= bytes.length; cut++) {
        const frames: Frame[] = [];
        const parser = parserInto(frames);
        parser.push(bytes.subarray(0, cut));
        assert.equal(parser.isInsideFrame, cut > 0 && cut < bytes.length);
        parser.push(bytes.subarray(cut));
        assert.deepEqual(shown(frames), [`${kind} ${sequence} ${bodyHex}`]);
        assert.equal(parser.isInsideFrame, false);
      }
    });
  }
});

describe("a stream of frames", () => {
  const stream = Buffer.concat(goldenFrames.map(({ frameHex }) => Buffer.from(frameHex, "hex")));
  const expected = goldenFrames.map(
    ({ kind, sequence, bodyHex }) => `${kind} ${sequence} ${bodyHex}`,
  );

  test("comes out whole from one chunk", () => {
    const frames: Frame[] = [];
    parserInto(frames).push(stream);
    assert.deepEqual(shown(frames), expected);
  });

  test("comes out the same from pieces of every size", () => {
    for (let pieceBytes = 1; pieceBytes < stream.length; pieceBytes++) {
      const frames: Frame[] = [];
      const parser = parserInto(frames);
      for (let at = 0; at < stream.length; at += pieceBytes) {
        parser.push(stream.subarray(at, at + pieceBytes));
      }
      assert.deepEqual(shown(frames), expected);
    }
  });

  test("holds an empty body and the largest sequence", () => {
    const frames: Frame[] = [];
    const parser = parserInto(frames);
    parser.push(encodeFrame(FrameKind.cancel, Number.MAX_SAFE_INTEGER, new Uint8Array(0)));
    assert.deepEqual(shown(frames), [`7 ${Number.MAX_SAFE_INTEGER} `]);
  });

  test("keeps a body valid after the next chunks", () => {
    const frames: Frame[] = [];
    const parser = parserInto(frames);
    const first = encodeFrame(FrameKind.request, 1, new Uint8Array(200_000).fill(1));
    const second = encodeFrame(FrameKind.request, 2, new Uint8Array(200_000).fill(2));
    for (const bytes of [first, second]) {
      for (let at = 0; at < bytes.length; at += 65_536)
        parser.push(bytes.subarray(at, at + 65_536));
    }
    assert.ok(frames[0]!.body.every((byte) => byte === 1));
    assert.ok(frames[1]!.body.every((byte) => byte === 2));
  });
});

describe("a hostile header", () => {
  test("with an unknown kind is refused", () => {
    rejects(header({ kind: 0 }), "PROTOCOL", /byte 0: kind 0 is not one of 1 to 9/);
    rejects(header({ kind: 10 }), "PROTOCOL", /kind 10/);
    rejects(header({ kind: 255 }), "PROTOCOL", /kind 255/);
  });

  test("with another version is refused as a version conflict", () => {
    rejects(header({ version: 0 }), "PROTOCOL_VERSION", /version 0/);
    rejects(header({ version: 2 }), "PROTOCOL_VERSION", /version 2.*speaks version 1/);
  });

  test("with a reserved bit set is refused", () => {
    for (let bit = 0; bit < 16; bit++) {
      rejects(header({ reserved: 2 ** bit }), "PROTOCOL", /reserved bits/);
    }
  });

  test("with a sequence that no number can hold is refused", () => {
    rejects(header({ sequence: 2n ** 53n }), "PROTOCOL", /larger than 2\^53-1/);
    rejects(header({ sequence: 2n ** 64n - 1n }), "PROTOCOL", /larger than 2\^53-1/);
  });

  test("that announces too long a body is refused", () => {
    const tooLong = header({ bodyBytes: frameBytesMax + 1 });
    rejects(tooLong, "PROTOCOL", /50331649 bytes is announced, at most 50331648 are allowed\./);
    rejects(header({ bodyBytes: 2 ** 32 - 1 }), "PROTOCOL", /4294967295 bytes is announced/);
  });

  test("that announces a large body before the handshake is refused", () => {
    const early = header({ bodyBytes: handshakeBytesMax + 1 });
    rejects(early, "PROTOCOL", /before the handshake is done/, handshakeBytesMax);
  });

  test("is found behind good frames, and the error says where", () => {
    const good = encodeFrame(FrameKind.request, 1, new Uint8Array(10));
    const frames: Frame[] = [];
    const parser = parserInto(frames);
    parser.push(good);
    const bad = Buffer.concat([good, header({ kind: 99 })]);
    parser.push(bad.subarray(0, 30));
    assert.throws(() => parser.push(bad.subarray(30)), /byte 52: kind 99/);
    assert.equal(frames.length, 2);
  });
});

describe("limits", () => {
  test("a body as long as the limit is accepted, before and after the handshake", () => {
    const bodies: number[] = [];
    const parser = new FrameParser((frame) => bodies.push(frame.body.length));
    parser.push(encodeFrame(FrameKind.hello, 0, new Uint8Array(handshakeBytesMax)));
    parser.bodyBytesMax = frameBytesMax;
    parser.push(encodeFrame(FrameKind.request, 1, new Uint8Array(frameBytesMax)));
    assert.deepEqual(bodies, [handshakeBytesMax, frameBytesMax]);
  });

  test("the limit can be raised by the frame that ends the handshake, for the next in its chunk", () => {
    const kinds: number[] = [];
    const parser: FrameParser = new FrameParser((frame) => {
      kinds.push(frame.kind);
      parser.bodyBytesMax = frameBytesMax;
    });
    parser.push(
      Buffer.concat([
        encodeFrame(FrameKind.hello, 0, new Uint8Array(1)),
        encodeFrame(FrameKind.request, 1, new Uint8Array(handshakeBytesMax + 1)),
      ]),
    );
    assert.deepEqual(kinds, [FrameKind.hello, FrameKind.request]);
  });

  test("a body that is announced and never sent costs next to nothing", () => {
    const parser = parserInto([]);
    parser.push(header({ bodyBytes: frameBytesMax }));
    assert.ok(parser.pendingBodyCapacityBytes <= 65_536);
    parser.push(new Uint8Array(1));
    assert.ok(parser.pendingBodyCapacityBytes <= 65_536);
  });

  test("memory for an unfinished body stays within twice what arrived", () => {
    const parser = parserInto([]);
    parser.push(header({ bodyBytes: frameBytesMax }));
    const piece = new Uint8Array(65_536);
    let received = 0;
    while (received + piece.length < frameBytesMax) {
      parser.push(piece);
      received += piece.length;
      assert.ok(parser.pendingBodyCapacityBytes <= 2 * received + 65_536);
    }
    parser.push(piece);
    assert.equal(parser.pendingBodyCapacityBytes, 0);
  });

  test("a sender that breaks the limits is a bug of ours", () => {
    const body = new Uint8Array(0);
    assert.throws(() => encodeFrame(FrameKind.request, -1, body), InvariantError);
    assert.throws(() => encodeFrame(FrameKind.request, 2 ** 53, body), InvariantError);
    assert.throws(
      () => encodeFrame(FrameKind.request, 1, new Uint8Array(frameBytesMax + 1)),
      InvariantError,
    );
  });
});
