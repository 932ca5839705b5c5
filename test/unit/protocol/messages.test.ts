import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { encode } from "../../../src/cbor/codec.js";
import { type ErrorCode, LioranError } from "../../../src/errors.js";
import { frameBytesMax, frameDepthMax } from "../../../src/limits.js";
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
  encodeFailure,
  encodeRefuse,
  type Hello,
  type Welcome,
} from "../../../src/protocol/messages.js";
import { sameToken } from "../../../src/protocol/token.js";
import { goldenFrames } from "./golden-frames.js";

const hello: Hello = {
  protocol: 1,
  token: "secret-token",
  rootId: "root-1",
  clientId: "0190a5e2-7c1b-7d3e-8f4a-5b6c7d8e9fa0",
  pid: 1,
};
const welcome: Welcome = { protocol: 1, epoch: 3, primaryPid: 2, rootId: "root-1" };

function fails(work: () => unknown, message: RegExp, code: ErrorCode = "PROTOCOL"): void {
  assert.throws(
    work,
    (error) => error instanceof LioranError && error.code === code && message.test(error.message),
  );
}

describe("bodies", () => {
  for (const { name, value, bodyHex } of goldenFrames) {
    if (value === undefined) continue;
    test(`the golden ${name} body decodes to its value, and the value encodes to it`, () => {
      assert.deepEqual(decodeBody(Buffer.from(bodyHex, "hex")), value);
      assert.equal(Buffer.from(encodeBody(value)).toString("hex"), bodyHex);
    });
  }

  test("cut anywhere, or with something behind, are refused", () => {
    const body = encodeBody(hello);
    for (let end = 0; end < body.length; end++) {
      assert.throws(() => decodeBody(body.subarray(0, end)), { code: "PROTOCOL" });
    }
    fails(() => decodeBody(Buffer.concat([body, body])), /bytes behind its value/);
  });

  test("nested as deep as a frame may be are accepted, deeper ones refused", () => {
    const nested = (depth: number) => Buffer.from([...new Array(depth - 1).fill(0x81), 0x80]);
    assert.ok(Array.isArray(decodeBody(nested(frameDepthMax))));
    assert.throws(() => decodeBody(nested(frameDepthMax + 1)), { code: "PROTOCOL" });
  });

  test("that do not fit into a frame are refused when encoded", () => {
    const work = () => encodeBody(new Uint8Array(frameBytesMax));
    fails(work, /does not fit into a frame/, 10334);
  });
});

describe("handshake", () => {
  test("comes through unchanged", () => {
    assert.deepEqual(decodeHello(encodeBody(hello)), hello);
    assert.deepEqual(decodeWelcome(encodeBody(welcome)), welcome);
  });

  test("ignores fields that a later version may add", () => {
    assert.deepEqual(decodeHello(encodeBody({ ...hello, extra: [1] })), hello);
  });

  test("with a missing or wrong field is refused by the field's name", () => {
    for (const name of Object.keys(hello)) {
      const { [name as keyof Hello]: _, ...rest } = hello;
      fails(() => decodeHello(encodeBody(rest)), new RegExp(`hello\\.${name} .*missing`));
      const wrong = { ...hello, [name]: [1] };
      fails(() => decodeHello(encodeBody(wrong)), new RegExp(`hello\\.${name} .*an array`));
    }
    for (const name of Object.keys(welcome)) {
      const wrong = { ...welcome, [name]: null };
      fails(() => decodeWelcome(encodeBody(wrong)), new RegExp(`welcome\\.${name} .*null`));
    }
  });

  test("refuses another protocol before it looks at anything else", () => {
    const other = encodeBody({ protocol: 2 });
    fails(() => decodeHello(other), /protocol 2, this process speaks 1/, "PROTOCOL_VERSION");
    fails(() => decodeWelcome(other), /protocol 2, this process speaks 1/, "PROTOCOL_VERSION");
  });

  test("refuses a client id that is no UUID", () => {
    for (const clientId of ["", "x", hello.clientId.toUpperCase(), `${hello.clientId}0`]) {
      fails(
        () => decodeHello(encodeBody({ ...hello, clientId })),
        /hello\.clientId must be a UUID/,
      );
    }
  });

  test("never repeats a secret in an error", () => {
    const error = decodeError(() => decodeHello(encodeBody({ ...hello, pid: hello.token })));
    assert.ok(!error.message.includes(hello.token));
  });

  test("compares tokens by all their characters", () => {
    assert.equal(sameToken("abc", "abc"), true);
    assert.equal(sameToken("", ""), true);
    for (const other of ["abd", "ab", "abcd", "", "ABC"])
      assert.equal(sameToken("abc", other), false);
  });
});

describe("requests and watermarks", () => {
  test("come through unchanged", () => {
    const operation = { find: "a", filter: { n: null } };
    for (const resent of [true, false]) {
      const marked = { acknowledged: 2, resent, operation };
      assert.deepEqual(decodeRequest(encodeBody(marked)), marked);
    }
    const request = { acknowledged: 2 ** 53 - 1, resent: false, operation };
    assert.deepEqual(decodeRequest(encodeBody(request)), request);
    assert.deepEqual(decodeAcknowledge(encodeBody({ acknowledged: 0 })), { acknowledged: 0 });
    assert.deepEqual(decodeGoodbye(encodeBody({ reason: "r" })), { reason: "r" });
  });

  test("may carry null as the operation, but must carry one", () => {
    const body = encodeBody({ acknowledged: 1, operation: null });
    assert.deepEqual(decodeRequest(body), { acknowledged: 1, resent: false, operation: null });
    fails(() => decodeRequest(encodeBody({ acknowledged: 1 })), /request\.operation is missing/);
  });

  test("never guess whether they were resent", () => {
    for (const resent of [1, 0, "true", null, {}]) {
      const body = encodeBody({ acknowledged: 1, resent, operation: 1 });
      fails(() => decodeRequest(body), /request\.resent must be true or false/);
    }
  });

  test("refuse a watermark that is no natural number", () => {
    for (const acknowledged of [-1, 1.5, 2 ** 53, Number.NaN, 1n, "1", null]) {
      const body = encodeBody({ acknowledged, operation: 1 });
      fails(() => decodeRequest(body), /request\.acknowledged must be an integer/);
      fails(() => decodeAcknowledge(body), /acknowledge\.acknowledged must be an integer/);
    }
  });

  test("refuse a body that is no map", () => {
    for (const value of [null, 1, "a", [1], new Date(0), new Uint8Array(1)]) {
      fails(() => decodeRequest(encodeBody(value)), /request must be a map/);
    }
  });
});

describe("errors", () => {
  const error = new LioranError("DUPLICATE_KEY", "twice", {
    cause: new Error("below"),
    details: {
      keyPattern: { a: 1 },
      keyValue: { a: "x" },
      errInfo: { failingDocumentId: 1, details: { operatorName: "$eq" } },
      result: { insertedCount: 1 },
      writeErrors: [{ index: 1, code: 11000, errmsg: "twice" }],
    },
  });

  for (const [name, there] of [
    ["failure", () => decodeFailure(encodeFailure(error))],
    ["refuse", () => decodeRefuse(encodeRefuse(error))],
  ] as const) {
    test(`in a ${name} frame keep every field`, () => {
      const arrived = there();
      assert.equal(arrived.message, error.message);
      assert.deepEqual({ ...arrived }, { ...error });
      assert.equal((there().cause as Error).message, "below");
    });
  }

  test("of a kind only a newer peer knows become INTERNAL", () => {
    const body = encode({ code: "FROM_THE_FUTURE", message: "m" });
    assert.equal(decodeFailure(body).code, "INTERNAL");
  });

  test("with malformed members are refused", () => {
    fails(() => decodeFailure(encode({ message: "m" })), /failure\.code must be/);
    fails(() => decodeFailure(encode({ code: 2 })), /failure\.message must be/);
    const details = (value: unknown) => encode({ code: 2, message: "m", details: value });
    fails(() => decodeFailure(details(1)), /failure\.details must be a map/);
    fails(() => decodeFailure(details({ keyValue: 1 })), /details\.keyValue must be a map/);
    fails(
      () => decodeFailure(details({ writeErrors: {} })),
      /details\.writeErrors must be an array/,
    );
    fails(() => decodeRefuse(encode({})), /refuse\.error must be a map/);
  });

  test("cannot overwrite what makes an error an error", () => {
    const details = { name: "Other", code: 1, message: "other", stack: "" };
    const decoded = decodeFailure(encode({ code: 2, message: "m", details }));
    assert.equal(decoded.name, "LioranError");
    assert.equal(decoded.code, 2);
    assert.equal(decoded.message, "m");
  });
});

function decodeError(work: () => unknown): Error {
  try {
    work();
  } catch (error) {
    return error as Error;
  }
  throw new Error("nothing was thrown");
}
