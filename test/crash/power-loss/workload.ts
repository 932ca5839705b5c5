/**
 * Writers whose every step follows from their number: what they do, and what must then be there. Each has collections of
 * its own, and one write under way at a time.
 */
import type { Database, Document } from "../../../src/index.js";
import { Random } from "../../support/soak.js";

export interface WriterSpec {
  /** In front of the names of its collections. */
  readonly name: string;
  readonly db: string;
  readonly seed: number;
  readonly steps: number;
  /** How many documents its first step inserts; of more than 2,000, an index is built in several commits. */
  readonly first?: number;
}

/** One collection: its documents by `_id`, the names of its indexes. */
export interface Stored {
  documents: Map<string, Document>;
  indexes: Set<string>;
}

/** Everything of one writer, by the name of the collection. */
export type State = Map<string, Stored>;

/** A write, and what it does to the state. */
interface Step {
  run(db: Database): Promise<unknown>;
  apply(state: State): void;
}

const indexes = [{ key: { n: 1 } }, { key: { tag: 1, n: -1 } }, { key: { words: 1 } }] as const;
const indexNames = indexes.map(({ key }) => Object.entries(key).flat().join("_"));

export class Writer {
  readonly spec: WriterSpec;
  readonly state: State = new Map();
  readonly #random: Random;
  #made = 0;

  constructor(spec: WriterSpec) {
    this.spec = spec;
    this.#random = new Random(spec.seed);
  }

  /** The next write. It must be applied before the one after it is asked for. */
  next(): Step {
    const main = `${this.spec.name}-a`;
    const stored = this.state.get(main);
    // A collection that has something in it is needed for everything else.
    if (!stored) return this.#insertMany(main, this.spec.first);
    if (stored.documents.size < 5) return this.#insertMany(main);
    const isUnindexed = stored.indexes.size === 1;
    if (this.spec.first && isUnindexed) return this.#toggleIndex(main, stored);
    const choice = this.#random.below(100);
    if (choice < 20) return this.#insertOne(main);
    if (choice < 32) return this.#insertMany(main);
    if (choice < 50) return this.#updateOne(main, stored);
    if (choice < 60) return this.#updateMany(main);
    if (choice < 68) return this.#replaceOne(main, stored);
    if (choice < 80) return this.#deleteOne(main, stored);
    if (choice < 83) return this.#deleteMany(main);
    if (choice < 93) return this.#toggleIndex(main, stored);
    return this.#secondCollection();
  }

  #document(textMax = 600): Document {
    const random = this.#random;
    this.#made += 1;
    // Some are too long for one page of LMDB.
    const isLong = textMax >= 600 && random.below(12) === 0;
    const length = random.below(isLong ? 20_000 : textMax);
    return {
      _id: `${this.spec.name}/${String(this.#made).padStart(5, "0")}`,
      n: random.below(100),
      tag: `t${random.below(7)}`,
      words: Array.from({ length: random.below(4) }, () => `w${random.below(30)}`),
      v: 0,
      text: String.fromCharCode(97 + random.below(26)).repeat(length),
    };
  }

  #insertOne(name: string): Step {
    const document = this.#document();
    return {
      run: (db) => db.collection(name).insertOne(document),
      apply: (state) => put(state, name, document),
    };
  }

  #insertMany(name: string, count = 5 + this.#random.below(25)): Step {
    const documents = Array.from({ length: count }, () => this.#document(count > 100 ? 20 : 600));
    return {
      run: (db) => db.collection(name).insertMany(documents),
      apply: (state) => {
        for (const document of documents) put(state, name, document);
      },
    };
  }

  #updateOne(name: string, { documents }: Stored): Step {
    const _id = this.#random.pick([...documents.keys()]);
    const n = this.#random.below(100);
    return {
      run: (db) => db.collection(name).updateOne({ _id }, { $set: { n }, $inc: { v: 1 } }),
      apply: (state) =>
        change(state, name, _id, (document) => ({ ...document, n, v: document.v + 1 })),
    };
  }

  #updateMany(name: string): Step {
    const below = this.#random.below(40);
    return {
      run: (db) => db.collection(name).updateMany({ n: { $lt: below } }, { $inc: { v: 1 } }),
      apply: (state) => {
        for (const [_id, { n }] of [...state.get(name)!.documents]) {
          if (n < below)
            change(state, name, _id, (document) => ({ ...document, v: document.v + 1 }));
        }
      },
    };
  }

  #replaceOne(name: string, { documents }: Stored): Step {
    const _id = this.#random.pick([...documents.keys()]);
    const document = { ...this.#document(), _id };
    return {
      run: (db) => db.collection(name).replaceOne({ _id }, document),
      apply: (state) => put(state, name, document),
    };
  }

  #deleteOne(name: string, { documents }: Stored): Step {
    const _id = this.#random.pick([...documents.keys()]);
    return {
      run: (db) => db.collection(name).deleteOne({ _id }),
      apply: (state) => state.get(name)!.documents.delete(_id),
    };
  }

  #deleteMany(name: string): Step {
    const from = 70 + this.#random.below(30);
    return {
      run: (db) => db.collection(name).deleteMany({ n: { $gte: from } }),
      apply: (state) => {
        const { documents } = state.get(name)!;
        for (const [_id, { n }] of [...documents]) if (n >= from) documents.delete(_id);
      },
    };
  }

  #toggleIndex(name: string, stored: Stored): Step {
    const at = this.#random.below(indexes.length);
    const index = indexNames[at]!;
    if (stored.indexes.has(index)) {
      return {
        run: (db) => db.collection(name).dropIndex(index),
        apply: (state) => state.get(name)!.indexes.delete(index),
      };
    }
    return {
      run: (db) => db.collection(name).createIndex(indexes[at]!.key),
      apply: (state) => state.get(name)!.indexes.add(index),
    };
  }

  /** Creates, fills, renames or drops another one. */
  #secondCollection(): Step {
    const [name, other] = [`${this.spec.name}-b`, `${this.spec.name}-c`];
    if (this.state.has(other)) {
      return {
        run: (db) => db.dropCollection(other),
        apply: (state) => state.delete(other),
      };
    }
    const stored = this.state.get(name);
    if (!stored) {
      return {
        run: (db) => db.createCollection(name),
        apply: (state) => state.set(name, { documents: new Map(), indexes: new Set(["_id_"]) }),
      };
    }
    if (stored.documents.size === 0) return this.#insertMany(name);
    return {
      run: (db) => db.renameCollection(name, other),
      apply: (state) => {
        state.set(other, state.get(name)!);
        state.delete(name);
      },
    };
  }
}

/** What a writer has after so many steps. */
export function stateAfter(spec: WriterSpec, steps: number): State {
  const writer = new Writer(spec);
  for (let i = 0; i < steps; i += 1) writer.next().apply(writer.state);
  return writer.state;
}

function put(state: State, name: string, document: Document): void {
  let stored = state.get(name);
  if (!stored) {
    stored = { documents: new Map(), indexes: new Set(["_id_"]) };
    state.set(name, stored);
  }
  stored.documents.set(document._id as string, document);
}

function change(
  state: State,
  name: string,
  _id: string,
  // biome-ignore lint/suspicious/noExplicitAny: a document of these writers
  by: (document: any) => Document,
): void {
  const { documents } = state.get(name)!;
  documents.set(_id, by(documents.get(_id)!));
}
