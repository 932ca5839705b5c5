/** A root that is open in the test's process, with documents for a job. */
import assert from "node:assert/strict";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { type Collection, type Database, type Document, LioranManager } from "@liorandb/core";
import { deadlineMs } from "../../support/deadline.js";
import { temporaryRoot } from "../../support/temporary-root.js";

/** The URL of a module of `modules/`. */
export function moduleUrl(name: string): URL {
  return new URL(`./modules/${name}.js`, import.meta.url);
}

export interface JobSite {
  folder: string;
  rootPath: string;
  manager: LioranManager;
  db: Database;
  things: Collection;
}

/** @param ids of the documents in `things` */
export async function jobSite(t: TestContext, ids: readonly unknown[]): Promise<JobSite> {
  const root = temporaryRoot();
  const manager = new LioranManager({ rootPath: root.rootPath, durability: "committed" });
  t.after(async () => {
    await manager.close();
    root.remove();
  });
  const db = await manager.db("app");
  const things = db.collection("things");
  if (ids.length > 0) await things.insertMany(ids.map((_id) => ({ _id })));
  return { folder: root.folder, rootPath: root.rootPath, manager, db, things };
}

export function numbers(count: number): number[] {
  return Array.from({ length: count }, (_, at) => at);
}

/** That each document took effect once, and no other did. */
export async function assertOnce(db: Database, ids: readonly unknown[]): Promise<void> {
  const effects: Document[] = await db.collection("effects").find({}).toArray();
  assert.deepEqual(
    effects.filter(({ times }) => times !== 1),
    [],
  );
  const ofIds = effects.map(({ of }) => of);
  assert.deepEqual(new Set(ofIds), new Set(ids));
  assert.equal(ofIds.length, ids.length);
}

/** Waits until a condition holds; the turns of the event loop pass meanwhile. */
export async function until(
  what: string,
  condition: () => boolean | Promise<boolean>,
): Promise<void> {
  const endMs = performance.now() + deadlineMs;
  while (!(await condition())) {
    if (performance.now() > endMs)
      throw new Error(`Waited ${deadlineMs / 1000} s in vain: ${what}`);
    await new Promise((resolve) => setImmediate(resolve));
  }
}

export function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

export const parentScript = join(import.meta.dirname, "children/parent-main.js");
