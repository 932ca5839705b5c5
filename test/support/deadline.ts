/** Waiting for others: never without end, and never without saying for whom. */

/** How long anything may take on a loaded machine. */
export const deadlineMs = 60_000;

/** The promise's result, or an error that says what did not happen in time. */
export async function withDeadline<T>(
  promise: Promise<T>,
  what: () => string,
  ms = deadlineMs,
): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => {
      reject(new Error(`Waited ${ms / 1000} s in vain: ${what()}`));
    }, ms);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}
