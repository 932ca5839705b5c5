/**
 * The envelopes that frames carry: handshake, control, requests and errors. Everything that comes
 * from a peer is validated here, and the error says which field is wrong and why. What an operation
 * inside a request means is none of this file's business.
 *
 * Fields that are not listed are ignored, so that a later version can add some.
 */
import { encodePooled } from "../cbor/codec.js";
import { readBody } from "../cbor/read-item.js";
import { scan } from "../cbor/scan.js";
import {
  decodeError,
  type EncodedError,
  type ErrorCode,
  type ErrorDetails,
  encodeError,
  LioranError,
} from "../errors.js";
import { frameBytesMax, frameDepthMax, frameItemsMax } from "../limits.js";

/** Version of the conversation. Peers with different ones refuse each other. */
export const protocolVersion = 1;

/** First frame of a client. */
export interface Hello {
  protocol: number;
  /** The secret from the lock file: whoever knows it may read the root. */
  token: string;
  /** Identity of the root the client wants: a cut or reused socket path may lead elsewhere. */
  rootId: string;
  /** UUID of the client, the same over all its connections: the other half of exactly once. */
  clientId: string;
  pid: number;
}

/** The primary's answer to an accepted {@link Hello}. */
export interface Welcome {
  protocol: number;
  /** Which take-over of the root this primary is; one higher at each. */
  epoch: number;
  primaryPid: number;
  rootId: string;
}

/** Why the sender disconnects. */
export interface Refuse {
  error: EncodedError;
}

/** The sender closes in order, and why. */
export interface Goodbye {
  reason: string;
}

/** Body of a request. */
export interface Request {
  /** Every reply with a sequence up to this one was received: the primary may forget them. */
  acknowledged: number;
  /** Sent before on an earlier connection: it may have been applied already. Missing: false. */
  resent: boolean;
  operation: unknown;
}

/** Body of an acknowledge frame. */
export interface Acknowledge {
  acknowledged: number;
}

type Fields = Record<string, unknown>;

const frameLimits = { depthMax: frameDepthMax, itemsMax: frameItemsMax };
const uuidPattern = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

/**
 * A value as the body of a frame.
 *
 * @throws LioranError `DOCUMENT_TOO_LARGE` when it does not fit into one frame
 */
export function encodeBody(value: unknown): Uint8Array {
  const body = encodePooled(value);
  if (body.length > frameBytesMax) {
    throw new LioranError(
      "DOCUMENT_TOO_LARGE",
      `A message of ${body.length} bytes does not fit into a frame of at most ${frameBytesMax} ` +
        "bytes. Send or ask for less at a time.",
    );
  }
  return body;
}

/**
 * The value of a body from an untrusted peer. Its depth and size are checked before it is decoded.
 *
 * @param mayPool its byte strings may lie in Node's shared pool, as those of a request may, which no user sees
 * @throws LioranError `PROTOCOL` when the bytes are not exactly one acceptable CBOR item
 */
export function decodeBody(body: Uint8Array, mayPool = false): unknown {
  const end = scan(body, frameLimits);
  if (end !== body.length) {
    throw invalid("frame body", `has ${body.length - end} bytes behind its value`);
  }
  return readBody(body, mayPool);
}

/** @throws LioranError `PROTOCOL_VERSION` or `PROTOCOL`, saying which field is wrong */
export function decodeHello(body: Uint8Array): Hello {
  const fields = asFields(decodeBody(body), "hello");
  checkProtocol(fields, "hello");
  const clientId = asText(fields, "hello", "clientId");
  if (!uuidPattern.test(clientId)) {
    throw invalid("hello.clientId", "must be a UUID in lower case");
  }
  return {
    protocol: protocolVersion,
    token: asText(fields, "hello", "token"),
    rootId: asText(fields, "hello", "rootId"),
    clientId,
    pid: asNatural(fields, "hello", "pid"),
  };
}

/** @throws LioranError `PROTOCOL_VERSION` or `PROTOCOL`, saying which field is wrong */
export function decodeWelcome(body: Uint8Array): Welcome {
  const fields = asFields(decodeBody(body), "welcome");
  checkProtocol(fields, "welcome");
  return {
    protocol: protocolVersion,
    epoch: asNatural(fields, "welcome", "epoch"),
    primaryPid: asNatural(fields, "welcome", "primaryPid"),
    rootId: asText(fields, "welcome", "rootId"),
  };
}

/** @throws LioranError `PROTOCOL`, saying which field is wrong */
export function decodeGoodbye(body: Uint8Array): Goodbye {
  const fields = asFields(decodeBody(body), "goodbye");
  return { reason: asText(fields, "goodbye", "reason") };
}

/** @throws LioranError `PROTOCOL`, saying which field is wrong */
export function decodeRequest(body: Uint8Array): Request {
  const fields = asFields(decodeBody(body, true), "request");
  if (!("operation" in fields)) throw invalid("request.operation", "is missing");
  return {
    acknowledged: asNatural(fields, "request", "acknowledged"),
    resent: asResent(fields),
    operation: fields.operation,
  };
}

/** @throws LioranError `PROTOCOL`, saying which field is wrong */
export function decodeAcknowledge(body: Uint8Array): Acknowledge {
  const fields = asFields(decodeBody(body), "acknowledge");
  return { acknowledged: asNatural(fields, "acknowledge", "acknowledged") };
}

/** Body of a refuse frame that tells the peer about `error`. */
export function encodeRefuse(error: unknown): Uint8Array {
  const refuse: Refuse = { error: encodeError(error) };
  return encodeBody(refuse);
}

/** The error a refuse frame carries. @throws LioranError `PROTOCOL` when it carries none */
export function decodeRefuse(body: Uint8Array): LioranError {
  const fields = asFields(decodeBody(body), "refuse");
  return decodeError(asEncodedError(fields.error, "refuse.error"));
}

/** Body of a failure frame. */
export function encodeFailure(error: unknown): Uint8Array {
  return encodeBody(encodeError(error));
}

/** The error a failure frame carries. @throws LioranError `PROTOCOL` when it carries none */
export function decodeFailure(body: Uint8Array): LioranError {
  return decodeError(asEncodedError(decodeBody(body), "failure"));
}

function checkProtocol(fields: Fields, path: string): void {
  const protocol = asNatural(fields, path, "protocol");
  if (protocol === protocolVersion) return;
  throw new LioranError(
    "PROTOCOL_VERSION",
    `The peer speaks protocol ${protocol}, this process speaks ${protocolVersion}. Run the same ` +
      "version of @liorandb/core in every process of a root.",
  );
}

function asEncodedError(value: unknown, path: string): EncodedError {
  const fields = asFields(value, path);
  const code = fields.code;
  if (typeof code !== "number" && typeof code !== "string") {
    throw invalid(`${path}.code`, `must be a number or a string, not ${describe(code)}`);
  }
  const encoded: EncodedError = {
    // A code that only a newer peer knows becomes INTERNAL in decodeError.
    code: code as ErrorCode,
    message: asText(fields, path, "message"),
  };
  if (fields.cause !== undefined) encoded.cause = asText(fields, path, "cause");
  if (fields.details !== undefined) encoded.details = asDetails(fields, path);
  return encoded;
}

/** Takes the known members only: the rest must not overwrite members of the error object. */
function asDetails(fields: Fields, path: string): ErrorDetails {
  const found = asFields(fields.details, `${path}.details`);
  const details: ErrorDetails = {};
  for (const name of ["keyPattern", "keyValue", "errInfo", "result"] as const) {
    if (found[name] !== undefined) {
      details[name] = asFields(found[name], `${path}.details.${name}`);
    }
  }
  if (found.writeErrors !== undefined) {
    if (!Array.isArray(found.writeErrors)) {
      throw invalid(
        `${path}.details.writeErrors`,
        `must be an array, not ${describe(found.writeErrors)}`,
      );
    }
    details.writeErrors = found.writeErrors;
  }
  return details;
}

function asFields(value: unknown, path: string): Fields {
  if (typeof value !== "object" || value === null || !isPlain(value)) {
    throw invalid(path, `must be a map, not ${describe(value)}`);
  }
  return value as Fields;
}

function isPlain(value: object): boolean {
  const prototype = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}

function asText(fields: Fields, path: string, name: string): string {
  const value = fields[name];
  if (typeof value !== "string") {
    throw invalid(`${path}.${name}`, `must be a string, not ${describe(value)}`);
  }
  return value;
}

/** Never guessed: a resent write that is taken for a new one would be applied twice. */
function asResent({ resent }: Fields): boolean {
  if (resent === undefined) return false;
  if (typeof resent !== "boolean") {
    throw invalid("request.resent", `must be true or false, not ${describe(resent)}`);
  }
  return resent;
}

function asNatural(fields: Fields, path: string, name: string): number {
  const value = fields[name];
  if (typeof value !== "number" || !Number.isSafeInteger(value) || value < 0) {
    throw invalid(`${path}.${name}`, `must be an integer from 0 to 2^53-1, not ${describe(value)}`);
  }
  return value;
}

/** The kind of a value, never the value: it may be a secret or megabytes long. */
function describe(value: unknown): string {
  if (value === undefined) return "missing";
  if (value === null) return "null";
  if (Array.isArray(value)) return "an array";
  if (typeof value === "number") return String(value);
  return typeof value === "object" ? "an object of another kind" : `a ${typeof value}`;
}

function invalid(path: string, why: string): LioranError {
  return new LioranError(
    "PROTOCOL",
    `Message from the peer: ${path} ${why}. Run the same version of @liorandb/core in every ` +
      "process of a root.",
  );
}
