/** One result of a query. Decoded or encoded when asked for, and not before. */
import { encode } from "../cbor/codec.js";
import { checkExtent, decodeDocument } from "../storage/document.js";
import type { Document } from "../values/document.js";

export class Row {
  readonly idKey: Uint8Array;
  /** The document as it is stored; nothing when only a part of it was read. */
  readonly stored: Uint8Array;
  #decoded: Document | undefined;
  #projected: Document | undefined;

  /** @param part what the query needs of the document, when it was read without the rest */
  constructor(key: Uint8Array, stored: Uint8Array, part?: Document) {
    this.idKey = key;
    this.stored = stored;
    this.#decoded = part;
  }

  /** {@link source}, if somebody has asked for it. */
  get decoded(): Document | undefined {
    return this.#decoded;
  }

  /** The stored document, or the part of it that the query needs. */
  get source(): Document {
    this.#decoded ??= decodeDocument(this.stored);
    return this.#decoded;
  }

  /** The result: the stored document, or its projection. */
  get document(): Document {
    return this.#projected ?? this.source;
  }

  get bytes(): Uint8Array {
    if (this.#projected) return encode(this.#projected);
    // Whoever decodes it may have others behind it, which a damaged one must not shift.
    if (!this.#decoded) checkExtent(this.stored);
    return this.stored;
  }

  project(projection: (document: Document) => Document): void {
    this.#projected = projection(this.source);
  }
}
