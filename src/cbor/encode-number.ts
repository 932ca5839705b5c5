/** The encoding of one number, as the codec writes it. */

const uint32Max = 2 ** 32 - 1;
const MAJOR_UNSIGNED = 0x00;
const MAJOR_NEGATIVE = 0x20;
const HEAD_DOUBLE = 0xfb;

/** The item of a number, which may lie in Node's shared pool. Much faster than the codec, which is made for all values. */
export function encodeNumber(value: number): Buffer {
  if (Number.isInteger(value)) {
    if (value >= 0) {
      if (value <= uint32Max) return encodeInteger(MAJOR_UNSIGNED, value);
    } else if (value >= -uint32Max - 1) return encodeInteger(MAJOR_NEGATIVE, -1 - value);
  }
  const bytes = Buffer.allocUnsafe(9);
  bytes[0] = HEAD_DOUBLE;
  bytes.writeDoubleBE(value, 1);
  return bytes;
}

function encodeInteger(major: number, argument: number): Buffer {
  const size = argument < 24 ? 1 : argument < 0x100 ? 2 : argument < 0x10000 ? 3 : 5;
  const bytes = Buffer.allocUnsafe(size);
  switch (size) {
    case 1:
      bytes[0] = major | argument;
      return bytes;
    case 2:
      bytes[0] = major | 24;
      bytes[1] = argument;
      return bytes;
    case 3:
      bytes[0] = major | 25;
      bytes[1] = argument >>> 8;
      bytes[2] = argument;
      return bytes;
    default:
      bytes[0] = major | 26;
      bytes.writeUInt32BE(argument, 1);
      return bytes;
  }
}
