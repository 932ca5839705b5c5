/** What the type tests are about: documents as people write their types. */
import type { Collection } from "@liorandb/core";

export interface Item {
  sku: string;
  qty: number;
  notes?: string[];
}

export interface User {
  _id: number;
  name: string;
  nickname?: string;
  age: number;
  balance: bigint;
  active: boolean;
  born: Date;
  picture: Uint8Array;
  role: "admin" | "member";
  address: { city: string; zip: { code: number; extra?: string } };
  home?: { city: string };
  tags: string[];
  scores: readonly number[];
  items: Item[];
  deleted: Date | null;
  extra: unknown;
  byDay: Record<string, number>;
}

export interface Note {
  text: string;
}

/** Contains itself. */
export interface Tree {
  value: number;
  left?: Tree;
  children: Tree[];
}

/** Contain each other. */
export interface Person {
  name: string;
  employer: Company;
}
export interface Company {
  title: string;
  owner: Person;
}

/** Contain each other in many ways: a filter must not unfold them without end. */
export interface Node {
  a: Edge;
  b: Edge;
  c: Edge[];
  d: Edge;
  e: Edge;
  f: Edge;
  g?: Edge;
}
export interface Edge {
  a: Node;
  b: Node;
  c: Node[];
  d: Node;
  e: Node;
  f: Node;
  weight: number;
}

export type Shape = { kind: "circle"; radius: number } | { kind: "square"; side: number };

export declare const users: Collection<User>;
export declare const notes: Collection<Note>;
export declare const trees: Collection<Tree>;
export declare const people: Collection<Person>;
export declare const nodes: Collection<Node>;
export declare const shapes: Collection<Shape>;
export declare const loose: Collection;

/** Fails to compile unless the two types are the same. */
export type Same<A, B> =
  (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
export declare function same<A, B>(...proof: Same<A, B> extends true ? [] : ["different"]): void;
