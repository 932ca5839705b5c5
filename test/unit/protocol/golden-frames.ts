/**
 * One frame of every kind, byte by byte, as docs/protocol.md shows them. The bodies are CBOR written
 * within the subset of src/cbor/codec.ts: an integer beyond 32 bits is a double. Changing a byte here
 * means a new protocol version.
 */
import { FrameKind } from "../../../src/protocol/frame.js";

export interface GoldenFrame {
  name: keyof typeof FrameKind;
  kind: FrameKind;
  sequence: number;
  /** What the body decodes to; `undefined`: the body is empty. */
  value: unknown;
  bodyHex: string;
  frameHex: string;
}

export const goldenFrames: GoldenFrame[] = [
  {
    name: "hello",
    kind: FrameKind.hello,
    sequence: 0,
    value: {
      protocol: 1,
      token: "t0k3n",
      rootId: "root-1",
      clientId: "0190a5e2-7c1b-7d3e-8f4a-5b6c7d8e9fa0",
      pid: 4242,
    },
    bodyHex:
      "a56870726f746f636f6c0165746f6b656e6574306b336e66726f6f74496466726f6f742d3168636c69656e744964782430313930613565322d376331622d376433652d386634612d35623663376438653966613063706964191092",
    frameHex:
      "5b000000010100000000000000000000a56870726f746f636f6c0165746f6b656e6574306b336e66726f6f74496466726f6f742d3168636c69656e744964782430313930613565322d376331622d376433652d386634612d35623663376438653966613063706964191092",
  },
  {
    name: "welcome",
    kind: FrameKind.welcome,
    sequence: 0,
    value: { protocol: 1, epoch: 7, primaryPid: 4711, rootId: "root-1" },
    bodyHex:
      "a46870726f746f636f6c016565706f6368076a7072696d61727950696419126766726f6f74496466726f6f742d31",
    frameHex:
      "2e000000020100000000000000000000a46870726f746f636f6c016565706f6368076a7072696d61727950696419126766726f6f74496466726f6f742d31",
  },
  {
    name: "request",
    kind: FrameKind.request,
    sequence: 1,
    value: { acknowledged: 0, resent: false, operation: { op: "ping" } },
    bodyHex: "a36c61636b6e6f776c65646765640066726573656e74f4696f7065726174696f6ea1626f706470696e67",
    frameHex:
      "2a000000030100000100000000000000a36c61636b6e6f776c65646765640066726573656e74f4696f7065726174696f6ea1626f706470696e67",
  },
  {
    name: "reply",
    kind: FrameKind.reply,
    sequence: 1,
    value: { ok: 1 },
    bodyHex: "a1626f6b01",
    frameHex: "05000000040100000100000000000000a1626f6b01",
  },
  {
    name: "failure",
    kind: FrameKind.failure,
    sequence: 2,
    value: { code: 11000, message: "duplicate key" },
    bodyHex: "a264636f6465192af8676d6573736167656d6475706c6963617465206b6579",
    frameHex:
      "1f000000050100000200000000000000a264636f6465192af8676d6573736167656d6475706c6963617465206b6579",
  },
  {
    name: "goodbye",
    kind: FrameKind.goodbye,
    sequence: 0,
    value: { reason: "closing" },
    bodyHex: "a166726561736f6e67636c6f73696e67",
    frameHex: "10000000060100000000000000000000a166726561736f6e67636c6f73696e67",
  },
  {
    name: "cancel",
    kind: FrameKind.cancel,
    sequence: 3,
    value: undefined,
    bodyHex: "",
    frameHex: "00000000070100000300000000000000",
  },
  {
    name: "refuse",
    kind: FrameKind.refuse,
    sequence: 0,
    value: { error: { code: "PROTOCOL", message: "wrong token" } },
    bodyHex: "a1656572726f72a264636f64656850524f544f434f4c676d6573736167656b77726f6e6720746f6b656e",
    frameHex:
      "2a000000080100000000000000000000a1656572726f72a264636f64656850524f544f434f4c676d6573736167656b77726f6e6720746f6b656e",
  },
  {
    name: "acknowledge",
    kind: FrameKind.acknowledge,
    sequence: 0,
    value: { acknowledged: 4294967297 },
    bodyHex: "a16c61636b6e6f776c6564676564fb41f0000000100000",
    frameHex: "17000000090100000000000000000000a16c61636b6e6f776c6564676564fb41f0000000100000",
  },
];
