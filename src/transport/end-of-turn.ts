/**
 * Runs `work` when the current turn has nothing left to do: after the microtasks that are queued now
 * and those they queue in turn. All that one event caused, however many promises it went through, is
 * then together. Earlier (a microtask or a bare `nextTick`) cuts a turn into several writes; later
 * (`setImmediate`) makes a reply wait for the other events of the loop's iteration.
 */
export function atEndOfTurn(work: () => void): void {
  // A tick queued from a microtask runs after all microtasks; one queued outside runs before them.
  queueMicrotask(() => process.nextTick(work));
}
