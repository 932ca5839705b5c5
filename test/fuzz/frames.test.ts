/**
 * Random and mutated bytes against the parser of frames and the decoders of their bodies. Whatever
 * comes in, the outcome is frames or a LioranError, and it does not depend on where chunks are cut.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { LioranError } from "../../src/errors.js";
import { encodeFrame, type Frame, FrameKind, FrameParser } from "../../src/protocol/frame.js";
import {
  decodeAcknowledge,
  decodeBody,
  decodeFailure,
  decodeGoodbye,
  decodeHello,
  decodeRefuse,
  decodeRequest,
  decodeWelcome,
  encodeBody,
} from "../../src/protocol/messages.js";

const numRuns = Number(process.env.LIORAN_FUZZ_RUNS ?? 1_000);
const bodyBytesMax = 10_000;

const kind = fc.constantFrom(...Object.values(FrameKind));
const frame = fc.record({
  kind,
  sequence: fc.maxSafeNat(),
  body: fc.uint8Array({ maxLength: 300 }),
});
const stream = fc
  .array(frame, { maxLength: 8 })
  .map((frames) => Buffer.concat(frames.map((f) => encodeFrame(f.kind, f.sequence, f.body))));
const cuts = fc.array(fc.nat({ max: 3_000 }), { maxLength: 20 });
const mutations = fc.array(fc.tuple(fc.nat({ max: 3_000 }), fc.nat({ max: 255 })), {
  minLength: 1,
  maxLength: 4,
});

/** What came out, as text: the frames, then the error if there was one. */
function parse(chunks: Uint8Array[]): string[] {
  const seen: string[] = [];
  let received = 0;
  const parser = new FrameParser((f: Frame) => {
    seen.push(`${f.kind} ${f.sequence} ${Buffer.from(f.body).toString("hex")}`);
  });
  parser.bodyBytesMax = bodyBytesMax;
  for (const chunk of chunks) {
    received += chunk.length;
    try {
      parser.push(chunk);
    } catch (error) {
      assert.ok(error instanceof LioranError, String(error));
      assert.ok(error.code === "PROTOCOL" || error.code === "PROTOCOL_VERSION");
      return [...seen, error.message];
    }
    assert.ok(parser.pendingBodyCapacityBytes <= Math.min(bodyBytesMax, 2 * received + 65_536));
  }
  return [...seen, parser.isInsideFrame ? "inside a frame" : "between frames"];
}

function cutAt(bytes: Uint8Array, positions: number[]): Uint8Array[] {
  const ends = [...positions.filter((at) => at < bytes.length).sort((a, b) => a - b), bytes.length];
  let start = 0;
  return ends.map((end) => {
    const piece = bytes.subarray(start, end);
    start = end;
    return piece;
  });
}

test("frames come out as they went in, however the stream is cut", () => {
  fc.assert(
    fc.property(fc.array(frame, { maxLength: 8 }), cuts, (frames, positions) => {
      const bytes = Buffer.concat(frames.map((f) => encodeFrame(f.kind, f.sequence, f.body)));
      const expected = frames.map(
        (f) => `${f.kind} ${f.sequence} ${Buffer.from(f.body).toString("hex")}`,
      );
      assert.deepEqual(parse(cutAt(bytes, positions)), [...expected, "between frames"]);
    }),
    { numRuns },
  );
});

test("a damaged stream gives frames, then one clear error, wherever it is cut", () => {
  fc.assert(
    fc.property(stream, mutations, cuts, (bytes, changes, positions) => {
      for (const [at, value] of changes) if (at < bytes.length) bytes[at] = value;
      assert.deepEqual(parse(cutAt(bytes, positions)), parse([bytes]));
    }),
    { numRuns },
  );
});

test("random bytes give the same outcome wherever they are cut", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 2_000 }), cuts, (bytes, positions) => {
      assert.deepEqual(parse(cutAt(bytes, positions)), parse([bytes]));
    }),
    { numRuns },
  );
});

const decoders = {
  decodeBody,
  decodeHello,
  decodeWelcome,
  decodeRequest,
  decodeGoodbye,
  decodeAcknowledge,
  decodeRefuse,
  decodeFailure,
};
const message = fc.oneof(
  fc.record({
    protocol: fc.constantFrom(0, 1, 2),
    token: fc.string(),
    rootId: fc.string(),
    clientId: fc.uuid(),
    pid: fc.nat(),
  }),
  fc.record({ acknowledged: fc.maxSafeNat(), operation: fc.object({ key: fc.string() }) }),
  fc.record({
    error: fc.record({ code: fc.constantFrom(2, 11000, "IO", "?"), message: fc.string() }),
  }),
);

for (const [name, decoder] of Object.entries(decoders)) {
  test(`${name} answers any bytes with a value or a protocol error`, () => {
    const bytes = fc.oneof(
      fc.uint8Array({ maxLength: 200 }),
      fc.tuple(message, mutations).map(([value, changes]) => {
        const body = encodeBody(value);
        for (const [at, byte] of changes) body[at % body.length] = byte;
        return body;
      }),
    );
    fc.assert(
      fc.property(bytes, (body) => {
        try {
          decoder(body);
        } catch (error) {
          assert.ok(error instanceof LioranError, String(error));
          assert.ok(error.code === "PROTOCOL" || error.code === "PROTOCOL_VERSION");
        }
      }),
      { numRuns },
    );
  });
}
