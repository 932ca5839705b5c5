/** Both kinds of channel, connected to a peer, for the tests that hold for either. */
import { mkdtempSync, rmSync } from "node:fs";
import net from "node:net";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import type { TestContext } from "node:test";
import { MessageChannel } from "node:worker_threads";
import type { LioranError } from "../../../src/errors.js";
import type { Frame } from "../../../src/protocol/frame.js";
import type { FrameChannel } from "../../../src/transport/channel.js";
import { PortChannel } from "../../../src/transport/port-channel.js";
import { SocketChannel } from "../../../src/transport/socket-channel.js";

/** A channel with a record of what it reported. */
export interface Observed<C extends FrameChannel = FrameChannel> {
  channel: C;
  frames: Frame[];
  drains: number;
  closes: (LioranError | undefined)[];
  /** Called in addition for each frame. */
  onFrame: (frame: Frame) => void;
  /** Resolves once `condition` holds; looks after each event of this channel. */
  until(condition: () => boolean): Promise<void>;
  closed(): Promise<LioranError | undefined>;
}

export function observe<C extends FrameChannel>(channel: C): Observed<C> {
  const waiting: { condition: () => boolean; resolve: () => void }[] = [];
  const look = () => {
    for (const entry of waiting) if (entry.condition()) entry.resolve();
  };
  const observed: Observed<C> = {
    channel,
    frames: [],
    drains: 0,
    closes: [],
    onFrame: () => {},
    until: (condition) =>
      new Promise((resolve) => {
        waiting.push({ condition, resolve });
        look();
      }),
    async closed() {
      await observed.until(() => observed.closes.length > 0);
      return observed.closes[0];
    },
  };
  channel.onFrame = (frame) => {
    observed.frames.push(frame);
    observed.onFrame(frame);
    look();
  };
  channel.onDrain = () => {
    observed.drains++;
    look();
  };
  channel.onClose = (error) => {
    observed.closes.push(error);
    look();
  };
  return observed;
}

/** A server on a real endpoint of this platform, closed and removed after the test. */
export async function listen(t: TestContext): Promise<{ server: net.Server; path: string }> {
  const folder = mkdtempSync(join(tmpdir(), "lioran-"));
  const path =
    process.platform === "win32" ? `\\\\.\\pipe\\${basename(folder)}` : join(folder, "s");
  const server = net.createServer();
  await new Promise<void>((resolve) => server.listen(path, resolve));
  t.after(() => {
    server.close();
    rmSync(folder, { recursive: true, force: true });
  });
  return { server, path };
}

/** Two connected sockets. */
export async function socketPair(t: TestContext): Promise<[net.Socket, net.Socket]> {
  const { server, path } = await listen(t);
  const accepted = new Promise<net.Socket>((resolve) => server.once("connection", resolve));
  const near = net.connect(path);
  const far = await accepted;
  t.after(() => {
    near.destroy();
    far.destroy();
  });
  return [near, far];
}

export interface Transport {
  name: string;
  connect(t: TestContext): Promise<[FrameChannel, FrameChannel]>;
}

export const transports: Transport[] = [
  {
    name: "SocketChannel",
    async connect(t) {
      const [near, far] = await socketPair(t);
      return [new SocketChannel(near), new SocketChannel(far)];
    },
  },
  {
    name: "PortChannel",
    async connect(t) {
      const { port1, port2 } = new MessageChannel();
      t.after(() => port1.close());
      return [new PortChannel(port1), new PortChannel(port2)];
    },
  },
];
