/**
 * The id of a client: a UUID that no other manager on this machine has, ever.
 *
 * It need not be secret (the token is), so it is put together from what makes a process unique, and
 * chance: loading `node:crypto` for it would cost a short-lived client a tenth of its start.
 */
let managers = 0;

export function newClientId(): string {
  managers += 1;
  const time = hex(Date.now(), 12);
  const process_ = hex(process.pid, 8);
  const manager = hex(managers % 0x1000, 3);
  const chance = hex(Math.floor(Math.random() * 2 ** 48), 12);
  // Version 8: "experimental or vendor-specific" (RFC 9562).
  return `${time.slice(0, 8)}-${time.slice(8)}-8${manager}-a${process_.slice(0, 3)}-${process_.slice(3)}${chance.slice(0, 7)}`;
}

function hex(value: number, digits: number): string {
  return value.toString(16).padStart(digits, "0").slice(-digits);
}
