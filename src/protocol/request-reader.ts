/**
 * Reads the requests of one connection. A client asks for the same again and again, with another `_id` or another
 * document: the members of its operation that lie in the frame as the same bytes as the last time are the same
 * values, which have been scanned, decoded and checked.
 *
 * Owned by the connection. Invariants:
 *  1. What is read is what `decodeRequest` and the check of the whole operation give for the frame alone.
 *  2. Values are shared between operations: nobody changes one.
 *  3. What is kept is bounded: a few operations, of each the members that are small and do repeat.
 */
import { encode } from "../cbor/codec.js";
import { liesAt } from "../cbor/field-name.js";
import { type MapShape, newShape } from "../cbor/map-shape.js";
import { readItem, readPart } from "../cbor/read-item.js";
import { headerBytes, MAJOR_MAP, readLength, scan, skip } from "../cbor/scan.js";
import { LioranError } from "../errors.js";
import { frameDepthMax, frameItemsMax } from "../limits.js";
import { decodeRequest } from "./messages.js";

/** A request whose operation has passed the check. */
export interface CheckedRequest<Operation> {
  readonly acknowledged: number;
  readonly resent: boolean;
  readonly operation: Operation;
}

export interface OperationChecks<Operation> {
  /** @throws what is wrong with a decoded operation */
  whole(value: unknown): Operation;
  /** Whether this value may take the place of that of the member in an operation that has passed. */
  member(operation: Operation, name: string, value: unknown): boolean;
}

type Fields = Record<string, unknown>;

/** Larger frames are read as a whole: that nothing in them is too much is known for the whole only. */
const bodyBytesMax = 16 * 1024;
/** Longer values do not repeat, or are not worth comparing. */
const keptBytesMax = 256;
/** A member that has differed so often in a row is not compared any more. */
const changesMax = 16;
/** Kinds of operations that a connection uses together. */
const kindsMax = 8;

const requestOfThree = 0xa3;
const FALSE = 0xf4;
const acknowledgedName = encode("acknowledged");
const resentName = encode("resent");
const operationName = encode("operation");
/** Depth of the members of an operation: below the request and the operation. */
const memberLimits = { depthMax: frameDepthMax - 2, itemsMax: frameItemsMax };

export class RequestReader<Operation extends object> {
  readonly #checks: OperationChecks<Operation>;
  /** Those that were used last come first. */
  readonly #known: RepeatedOperation<Operation>[] = [];
  #acknowledged = 0;

  constructor(checks: OperationChecks<Operation>) {
    this.#checks = checks;
  }

  /** @throws as `decodeRequest` and the check of the operation */
  read(body: Uint8Array): CheckedRequest<Operation> {
    const start = this.#operationStart(body);
    if (start === 0) return this.#readWhole(body, 0);
    const operation = this.#readRepeated(body, start);
    if (!operation) return this.#readWhole(body, start);
    return { acknowledged: this.#acknowledged, resent: false, operation };
  }

  #readRepeated(body: Uint8Array, start: number): Operation | undefined {
    const known = this.#known;
    for (let at = 0; at < known.length; at += 1) {
      const one = known[at]!;
      const operation = liesAt(one.head, body, start) ? one.read(body, start) : undefined;
      if (!operation) continue;
      if (at > 0) {
        known.splice(at, 1);
        known.unshift(one);
      }
      return operation;
    }
    return undefined;
  }

  /** Where the operation begins in a request as our clients write it; 0 in any other. */
  #operationStart(body: Uint8Array): number {
    if (body.length > bodyBytesMax || body[0] !== requestOfThree) return 0;
    if (!liesAt(acknowledgedName, body, 1)) return 0;
    let at = 1 + acknowledgedName.length;
    // A number of at most 32 bits.
    const end = body[at]! < 0x1b ? scannedEnd(body, at) : 0;
    if (end === 0) return 0;
    this.#acknowledged = readItem(body, at) as number;
    at = end;
    if (!liesAt(resentName, body, at)) return 0;
    at += resentName.length;
    if (body[at] !== FALSE || !liesAt(operationName, body, at + 1)) return 0;
    return at + 1 + operationName.length;
  }

  #readWhole(body: Uint8Array, start: number): CheckedRequest<Operation> {
    const request = decodeRequest(body);
    const operation = this.#checks.whole(request.operation);
    if (start > 0) this.#keep(body, start, operation);
    return { acknowledged: request.acknowledged, resent: request.resent, operation };
  }

  #keep(body: Uint8Array, start: number, operation: Operation): void {
    const kept = RepeatedOperation.of(body, start, operation, this.#checks);
    if (!kept) return;
    const before = this.#known.findIndex((one) => one.isLike(kept));
    if (before >= 0) this.#known.splice(before, 1);
    if (this.#known.unshift(kept) > kindsMax) this.#known.pop();
  }
}

interface Member {
  readonly name: string;
  readonly nameBytes: Uint8Array;
  /** The value as it lay there the last time; empty when it is not kept. */
  value: Uint8Array;
  changes: number;
}

const notKept = new Uint8Array(0);

/** An operation that has passed, and how it lay in its frame. */
class RepeatedOperation<Operation extends object> {
  /** How operations begin that may repeat this one: with as many members, of which the first is the same. */
  readonly head: Uint8Array;
  /** The names of all members. */
  readonly names: string;
  readonly #members: readonly Member[];
  readonly #shape: MapShape = newShape([]);
  readonly #checks: OperationChecks<Operation>;
  /** With the values that the members had the last time. Nobody else has it. */
  readonly #last: Operation;

  private constructor(
    head: Uint8Array,
    members: readonly Member[],
    last: Operation,
    checks: OperationChecks<Operation>,
  ) {
    this.head = head;
    this.names = Object.keys(last).join("\0");
    this.#members = members;
    this.#last = { ...last };
    this.#checks = checks;
  }

  /** @param body a valid request with the operation at `start` */
  static of<Operation extends object>(
    body: Uint8Array,
    start: number,
    operation: Operation,
    checks: OperationChecks<Operation>,
  ): RepeatedOperation<Operation> | undefined {
    if (body[start]! >> 5 !== MAJOR_MAP) return undefined;
    const names = Object.keys(operation);
    const count = readLength(body, start);
    // Of two members of one name the last one counts; and numbers come first in any object.
    if (names.length !== count || count === 0) return undefined;
    const members: Member[] = [];
    let at = start + headerBytes(body[start]!);
    const first = at;
    for (const name of names) {
      const nameBytes = encode(name);
      if (!liesAt(nameBytes, body, at)) return undefined;
      const from = at + nameBytes.length;
      at = skip(body, from);
      members.push({ name, nameBytes, value: kept(body, from, at), changes: 0 });
    }
    const head = copied(body, start, skip(body, skip(body, first)));
    if (at !== body.length || head.length > keptBytesMax) return undefined;
    return new RepeatedOperation(head, members.slice(1), operation, checks);
  }

  /** Whether it has the same members in the same order. */
  isLike({ head, names }: RepeatedOperation<Operation>): boolean {
    return this.names === names && Buffer.compare(this.head, head) === 0;
  }

  /** The operation at `start`, which begins with the `head`; nothing when it has other members, or is not well-formed. */
  read(body: Uint8Array, start: number): Operation | undefined {
    const operation: Operation = { ...this.#last };
    let at = start + this.head.length;
    for (let i = 0; i < this.#members.length; i += 1) {
      const member = this.#members[i]!;
      if (!liesAt(member.nameBytes, body, at)) return undefined;
      at += member.nameBytes.length;
      if (member.value.length > 0 && liesAt(member.value, body, at)) {
        at += member.value.length;
        member.changes = 0;
        continue;
      }
      const end = scannedEnd(body, at);
      if (end === 0) return undefined;
      const value = readPart(body, at, true, this.#shape, i);
      if (!this.#checks.member(operation, member.name, value)) return undefined;
      (operation as Fields)[member.name] = value;
      (this.#last as Fields)[member.name] = value;
      member.changes += 1;
      member.value = member.changes < changesMax ? kept(body, at, end) : notKept;
      at = end;
    }
    return at === body.length ? operation : undefined;
  }
}

/** 0 for what is no CBOR of ours: the reading of the whole says why. */
function scannedEnd(body: Uint8Array, at: number): number {
  try {
    return scan(body, memberLimits, at);
  } catch (error) {
    if (error instanceof LioranError) return 0;
    throw error;
  }
}

function kept(body: Uint8Array, from: number, to: number): Uint8Array {
  return to - from > keptBytesMax ? notKept : copied(body, from, to);
}

/** Not a view, which would keep all that has arrived with it. */
function copied(body: Uint8Array, from: number, to: number): Uint8Array {
  return Uint8Array.prototype.slice.call(body, from, to);
}
