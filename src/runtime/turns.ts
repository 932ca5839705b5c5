/**
 * Reads that are answered at once never wait for anything, so a loop of them would keep sockets and timers
 * waiting: one in so many lets the event loop run.
 */
const readsPerTurnMax = 1_024;
let readsOfTurn = 0;

/** Counts a read. @returns what it has to wait for when it is the turn of others */
export function turnOfOthers(): Promise<void> | undefined {
  readsOfTurn += 1;
  if (readsOfTurn < readsPerTurnMax) return undefined;
  readsOfTurn = 0;
  return new Promise((resolve) => setImmediate(resolve));
}

/** Gives the result of a read that was answered at once, now or in the next turn. */
export function inTurn<T>(result: T): Promise<T> {
  return turnOfOthers()?.then(() => result) ?? Promise.resolve(result);
}
