/**
 * lmdb-js hands out values in a buffer of the thread that it uses again and again, and to which it has
 * given a `length` of its own: that makes each access to a byte of it ten times slower. So its bytes are
 * looked at through a view.
 */
let seen: { buffer: Uint8Array; view: Uint8Array } | undefined;

/** A view of all of a buffer that lmdb-js handed out. Made once for the buffer that was seen last. */
export function plainView(buffer: Uint8Array): Uint8Array {
  if (seen?.buffer !== buffer) {
    const view = new Uint8Array(buffer.buffer, buffer.byteOffset, buffer.byteLength);
    seen = { buffer, view };
  }
  return seen.view;
}
