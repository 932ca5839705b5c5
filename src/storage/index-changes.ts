/**
 * Which documents have been written since a part of a collection was gathered for an index that is being
 * built. Kept in memory only: a build that is taken up again gathers anew.
 *
 * Owning thread: the Host.
 */
import type { Environment } from "./environment.js";

/** Keys of `_id` by their bytes as text. */
export type ChangedIds = Map<string, Uint8Array>;

const watched = new WeakMap<Environment, Map<number, ChangedIds>>();

/** Begins to note what is written. */
export function watchChanges(environment: Environment, indexId: number): ChangedIds {
  const changed: ChangedIds = new Map();
  const indexes = watched.get(environment);
  if (indexes) indexes.set(indexId, changed);
  else watched.set(environment, new Map([[indexId, changed]]));
  return changed;
}

export function endWatch(environment: Environment, indexId: number): void {
  watched.get(environment)?.delete(indexId);
}

/** A document has been written, or a write of it has been tried. */
export function noteChange(environment: Environment, indexId: number, idKey: Uint8Array): void {
  watched.get(environment)?.get(indexId)?.set(idText(idKey), idKey);
}

export function idText(idKey: Uint8Array): string {
  return Buffer.from(idKey.buffer, idKey.byteOffset, idKey.length).toString("latin1");
}
