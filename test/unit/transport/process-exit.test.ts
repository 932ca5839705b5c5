/** Whether a channel keeps its process alive: seen from outside, in a real one. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { type TestContext, test } from "node:test";
import { FrameKind } from "../../../src/protocol/frame.js";
import { SocketChannel } from "../../../src/transport/socket-channel.js";
import { listen, observe } from "./channel-pairs.js";

const socketModule = new URL("../../../src/transport/socket-channel.js", import.meta.url).href;
const portModule = new URL("../../../src/transport/port-channel.js", import.meta.url).href;

/** Runs a script that calls `watch` on its channel; gives what happened, in order. */
async function outputOf(t: TestContext, script: string): Promise<string> {
  const prelude = `
    const say = (word) => process.stdout.write(word + " ");
    const watch = (channel, beforeStart) => {
      channel.onFrame = () => say("frame");
      channel.onDrain = () => say("drain");
      channel.onClose = () => say("closed");
      beforeStart(channel);
      channel.start();
      return channel;
    };
    process.on("exit", () => say("exit"));
  `;
  const child = spawn(process.execPath, ["--input-type=module", "-e", prelude + script], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  t.after(() => child.kill("SIGKILL"));
  let text = "";
  child.stdout.on("data", (chunk) => {
    text += chunk;
  });
  await once(child, "close");
  return text.trim();
}

const cases = [
  { behaviour: "lets its process exit once unreferenced", calls: "channel.unref();", held: false },
  {
    behaviour: "lets its process exit when unreferenced before its start",
    beforeStart: "channel.unref();",
    held: false,
  },
  { behaviour: "holds its process until it closes", held: true },
  {
    behaviour: "holds its process again after ref()",
    calls: "channel.unref(); channel.ref();",
    held: true,
  },
];

for (const { behaviour, beforeStart = "", calls = "", held } of cases) {
  test(`a socket channel ${behaviour}`, async (t) => {
    const { server, path } = await listen(t);
    server.on("connection", (socket) => {
      const peer = observe(new SocketChannel(socket));
      peer.onFrame = ({ sequence }) => {
        if (!held) return;
        peer.channel.send(FrameKind.reply, sequence, new Uint8Array(1));
        peer.channel.end();
      };
      peer.channel.start();
    });
    const output = await outputOf(
      t,
      `
        import net from "node:net";
        import { SocketChannel } from ${JSON.stringify(socketModule)};
        const socket = net.connect(${JSON.stringify(path)});
        socket.once("connect", () => {
          const channel = watch(new SocketChannel(socket), (channel) => {
            ${beforeStart}
          });
          channel.send(${FrameKind.request}, 1, new Uint8Array(1));
          ${calls}
        });
      `,
    );
    assert.equal(output, held ? "frame closed exit" : "exit");
  });

  test(`a port channel ${behaviour}`, async (t) => {
    const output = await outputOf(
      t,
      `
        import { Worker } from "node:worker_threads";
        import { MessageChannel } from "node:worker_threads";
        import { PortChannel } from ${JSON.stringify(portModule)};
        const { port1, port2 } = new MessageChannel();
        const thread = new Worker(
          \`
            const { workerData } = require("node:worker_threads");
            import(${JSON.stringify(portModule)}).then(({ PortChannel }) => {
              const channel = new PortChannel(workerData);
              channel.onFrame = ({ sequence }) => {
                channel.send(${FrameKind.reply}, sequence, new Uint8Array(1));
                channel.end();
              };
              channel.onDrain = channel.onClose = () => {};
              channel.start();
            });
          \`,
          { eval: true, execArgv: [], workerData: port2, transferList: [port2] },
        );
        thread.unref();
        const channel = watch(new PortChannel(port1), (channel) => {
          ${beforeStart}
        });
        channel.send(${FrameKind.request}, 1, new Uint8Array(1));
        ${calls}
      `,
    );
    assert.equal(output, held ? "frame closed exit" : "exit");
  });
}
