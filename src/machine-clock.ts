/**
 * Milliseconds of a clock that all threads and processes of the machine share, and that nobody sets. Only differences
 * have a meaning. `performance.now()` counts from the start of its thread, and the time of day jumps.
 */
export function machineMs(): number {
  const [seconds, nanoseconds] = process.hrtime();
  return seconds * 1_000 + nanoseconds / 1e6;
}
