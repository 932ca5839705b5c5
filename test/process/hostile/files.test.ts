/** What somebody else may have put into a root, or in its place: links, pipes, forged records, other programs' sockets. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import {
  chmodSync,
  cpSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  unlinkSync,
  writeFileSync,
} from "node:fs";
import { createServer, type Socket } from "node:net";
import { dirname, join } from "node:path";
import { after, before, type TestContext, test } from "node:test";
import { LioranManager, type ManagerOptions } from "../../../src/index.js";
import { encodeFrame, FrameKind } from "../../../src/protocol/frame.js";
import { encodeBody, protocolVersion } from "../../../src/protocol/messages.js";
import { type TemporaryRoot, temporaryRoot } from "../../support/temporary-root.js";
import { type AgentError, startAgent } from "../agent.js";
import type { Step } from "../children/agent-main.js";
import { compiledTests, Site, withDeadline } from "../site.js";

const posixOnly = { skip: process.platform === "win32" };
const nobody = 65_534;

/** A manager in this process: a dozen processes would cost more than all that is tested here. */
class Local {
  readonly errors: Error[] = [];
  readonly #manager: LioranManager;
  #isClosed = false;

  constructor(site: Site, options: ManagerOptions) {
    this.#manager = new LioranManager({ rootPath: site.rootPath, cores: 0, ...options });
    this.#manager.on("error", (error: Error) => this.errors.push(error));
    localsOf.get(site)!.push(this);
  }

  get roles() {
    return [this.#manager.isPrimary(), this.#manager.isClient()];
  }

  async chain(...steps: Step[]): Promise<unknown> {
    let value: unknown = this.#manager;
    for (const [method, ...args] of steps) {
      value = (value as Record<string, (...args: unknown[]) => unknown>)[method]!(...args);
      if (value instanceof Promise) {
        value = await withDeadline(value, () => `an answer to ${method} from ${this.roles}`);
      }
    }
    return value;
  }

  things(method: string, ...args: unknown[]): Promise<unknown> {
    return this.chain(["db", "app"], ["collection", "things"], [method, ...args]);
  }

  async find(): Promise<unknown[]> {
    const steps: Step[] = [["db", "app"], ["collection", "things"], ["find", {}], ["toArray"]];
    return (await this.chain(...steps)) as unknown[];
  }

  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    await this.#manager.close();
  }
}

const localsOf = new WeakMap<Site, Local[]>();

/** A site whose managers in this process are closed before its folder goes. */
function newSite(t: TestContext): Site {
  const locals: Local[] = [];
  t.after(() => Promise.all(locals.map((local) => local.close())));
  const site = new Site(t);
  localsOf.set(site, locals);
  return site;
}

async function open(site: Site, options: ManagerOptions = {}): Promise<Local> {
  const local = new Local(site, options);
  await local.chain(["db", "app"], ["command", { ping: 1 }]);
  return local;
}

function refusedAs(code: string, ...mentioned: string[]) {
  return (error: AgentError) => {
    assert.equal(String(error.code), code, error.message);
    for (const text of mentioned) assert.ok(error.message.includes(text), error.message);
    return true;
  };
}

function lockFile(site: Site): string {
  return join(site.rootPath, ".lioran.lock");
}

let template: TemporaryRoot;

before(async () => {
  template = temporaryRoot();
  const manager = new LioranManager({ rootPath: template.rootPath, cores: 0 });
  await (await manager.db("app")).collection("things").insertOne({ _id: 1 });
  await manager.close();
});
after(() => template.remove());

/** A root with a document in app.things that nobody has open. */
function closedRoot(t: TestContext): Site {
  const site = newSite(t);
  cpSync(template.rootPath, site.rootPath, { recursive: true });
  chmodSync(site.rootPath, 0o700);
  return site;
}

test("a root that is a link is the root it leads to", posixOnly, async (t) => {
  const site = closedRoot(t);
  const link = join(site.folder, "link");
  symlinkSync(site.rootPath, link);
  const primary = await open(site, { rootPath: link });
  const client = await open(site);
  assert.deepEqual(client.roles, [false, true]);
  await client.things("insertOne", { _id: 2 });
  assert.equal((await primary.find()).length, 2);
});

test(
  "a lock file that is a link is refused, and what it leads to is left alone",
  posixOnly,
  async (t) => {
    for (const ipc of [undefined, "primary"] as const) {
      const site = newSite(t);
      mkdirSync(site.rootPath);
      const other = join(site.folder, "other");
      writeFileSync(other, "x".repeat(5_000));
      symlinkSync(other, lockFile(site));
      assert.throws(() => new Local(site, { ipc }), refusedAs("ROOT_INVALID", lockFile(site)));
      assert.equal(readFileSync(other, "utf8"), "x".repeat(5_000));
      // One that leads nowhere yet.
      unlinkSync(other);
      assert.throws(() => new Local(site, { ipc }), refusedAs("ROOT_INVALID"));
      assert.equal(existsSync(other), false);
    }
  },
);

test(
  "a pipe in the place of the lock file or of a format record is not waited for",
  posixOnly,
  async (t) => {
    const site = closedRoot(t);
    const record = join(site.rootPath, "app/format.json");
    rmSync(record);
    execFileSync("mkfifo", [record]);
    const agent = await open(site);
    await assert.rejects(agent.things("findOne", {}), refusedAs("CORRUPTED", record));
    await assert.rejects(agent.things("insertOne", {}), refusedAs("CORRUPTED", record));
    await agent.close();

    rmSync(lockFile(site));
    execFileSync("mkfifo", [lockFile(site)]);
    assert.throws(() => new Local(site, {}), refusedAs("ROOT_INVALID", lockFile(site)));
    const client = new Local(site, { ipc: "client", primaryTimeoutMs: 500 });
    await assert.rejects(client.things("findOne", {}), refusedAs("ROOT_INVALID", lockFile(site)));
  },
);

test(
  "a database, or a file of one, that is a link is refused: another root may own it",
  posixOnly,
  async (t) => {
    const site = closedRoot(t);
    const outside = join(site.folder, "outside");
    const places = ["app", "app/data.mdb", "app/lock.mdb"].map((name) => join(site.rootPath, name));
    for (const place of places) {
      renameSync(place, outside);
      symlinkSync(outside, place);
      const before = contentOf(outside);
      const agent = await open(site);
      await assert.rejects(agent.things("findOne", {}), refusedAs("ROOT_INVALID", place));
      await assert.rejects(agent.things("insertOne", {}), refusedAs("ROOT_INVALID", place));
      await agent.chain(["db", "other"], ["collection", "others"], ["insertOne", {}]);
      await agent.close();
      assert.deepEqual(contentOf(outside), before);
      assert.equal(readlinkSync(place), outside);
      unlinkSync(place);
      renameSync(outside, place);
    }
    const agent = await open(site);
    assert.deepEqual(await agent.find(), [{ _id: 1 }]);
  },
);

function contentOf(path: string): string[] {
  if (!statSync(path).isDirectory()) return [readFileSync(path).toString("base64")];
  return readdirSync(path).map((name) => readFileSync(join(path, name)).toString("base64"));
}

test("a database that is created writes through no link", posixOnly, async (t) => {
  const site = closedRoot(t);
  const victim = join(site.folder, "victim");
  for (const name of ["data.mdb", "lock.mdb", "format.json.new"]) {
    writeFileSync(victim, "not ours");
    mkdirSync(join(site.rootPath, name.replaceAll(".", "-")));
    symlinkSync(victim, join(site.rootPath, name.replaceAll(".", "-"), name));
    const agent = await open(site);
    const insert = agent.chain(
      ["db", name.replaceAll(".", "-")],
      ["collection", "a"],
      ["insertOne", {}],
    );
    if (name === "format.json.new") await insert;
    else await assert.rejects(insert, refusedAs("ROOT_INVALID", name));
    assert.equal(readFileSync(victim, "utf8"), "not ours");
    await agent.close();
  }
});

test("an empty or missing data file is damage, not a new database", async (t) => {
  const site = closedRoot(t);
  const file = join(site.rootPath, "app/data.mdb");
  for (const spoil of [() => truncateSync(file, 0), () => rmSync(file)]) {
    spoil();
    const agent = await open(site);
    await assert.rejects(agent.things("findOne", {}), refusedAs("CORRUPTED", file));
    await assert.rejects(agent.things("insertOne", {}), refusedAs("CORRUPTED", file));
    await agent.close();
    assert.equal(existsSync(file) ? statSync(file).size : 0, 0, "nothing was put in its place");
  }
});

// What is wrong in other ways is tested in test/unit/runtime/lock.test.ts.
test("a forged lock file stops nobody", async (t) => {
  const changes = [{ epoch: Number.MAX_SAFE_INTEGER }, { rootId: "x".repeat(1_900) }];
  for (const change of [...changes, { endpoint: "a\0b" }, { endpoint: "1" }, { pid: 1 }]) {
    const site = closedRoot(t);
    const record = { ...site.lockRecord(), ...change };
    writeFileSync(lockFile(site), JSON.stringify(record).padEnd(2_048));
    const client = new Local(site, { ipc: "client" });
    const waiting = client.things("insertOne", { _id: 2 });
    const primary = await open(site);
    await waiting;
    assert.equal((await primary.find()).length, 2);
    assert.deepEqual(client.errors, []);
    const { epoch } = site.lockRecord();
    assert.ok(Number.isSafeInteger(epoch) && epoch > 0, String(epoch));
  }
});

const impostors: [what: string, answer: (socket: Socket, rootId: string) => void][] = [
  ["says nothing", () => {}],
  ["says something else", (socket) => socket.write("HTTP/1.1 400 Bad Request\r\n\r\n")],
  ["hangs up", (socket) => socket.destroy()],
  ["belongs to another root", (socket) => socket.write(welcome("another root"))],
  [
    "answers what nobody has asked yet",
    (socket) => {
      for (let sequence = 1; sequence < 10; sequence += 1) {
        socket.write(encodeFrame(FrameKind.reply, sequence, encodeBody({ inserted: 1 })));
      }
    },
  ],
  [
    "welcomes twice",
    (socket, rootId) => socket.write(Buffer.concat([welcome(rootId), welcome(rootId)])),
  ],
  [
    "announces 4 GiB",
    (socket) => {
      const header = Buffer.from(encodeFrame(FrameKind.welcome, 0, new Uint8Array(0)));
      header.writeUInt32LE(2 ** 32 - 1, 0);
      socket.write(header);
    },
  ],
];

function welcome(rootId: string): Uint8Array {
  const body = encodeBody({ protocol: protocolVersion, epoch: 1, primaryPid: 1, rootId });
  return encodeFrame(FrameKind.welcome, 0, body);
}

test(
  "other programs in the place of the primary: the next primary is found",
  posixOnly,
  async (t) => {
    const site = closedRoot(t);
    const endpoint = join(site.folder, "other.sock");
    // A client that has had a primary: its request is under way while it meets the others.
    const first = await open(site);
    const client = await open(site, { ipc: "client" });
    await first.close();
    const record = site.lockRecord();
    const waiting = client.things("insertOne", { _id: 2 });
    writeFileSync(lockFile(site), JSON.stringify({ ...record, endpoint }).padEnd(2_048));
    // The client comes again and again, and meets another one each time.
    const left = [...impostors];
    const [allMet] = await listenOn(t, endpoint, (socket) => {
      const [, answer] = left.shift() ?? [];
      answer?.(socket, record.rootId);
      return left.length === 0;
    });
    await withDeadline(allMet, () => `the client: it has not met one that ${left[0]?.[0]}`);
    const primary = await open(site);
    await waiting;
    assert.equal((await primary.find()).length, 2);
    assert.deepEqual(client.errors, []);
  },
);

/** @returns a promise of the first visit of which `onVisit` says that it was the last one */
async function listenOn(t: TestContext, path: string, onVisit: (socket: Socket) => boolean) {
  const sockets = new Set<Socket>();
  let onLast = () => {};
  const last = new Promise<void>((resolve) => {
    onLast = resolve;
  });
  const server = createServer((socket) => {
    sockets.add(socket.on("error", () => {}));
    socket.once("data", () => {
      if (onVisit(socket)) onLast();
    });
  });
  await new Promise<void>((resolve) => server.listen(path, resolve));
  t.after(() => {
    server.close();
    for (const socket of sockets) socket.destroy();
  });
  return [last] as const;
}

test("whatever the umask is, nobody else can read or connect", posixOnly, async (t) => {
  const site = newSite(t);
  // A root that was there before, open for everybody.
  mkdirSync(site.rootPath);
  chmodSync(site.rootPath, 0o755);
  const before = process.umask(0);
  try {
    const agent = await open(site);
    await agent.things("insertOne", {});
  } finally {
    process.umask(before);
  }
  const names = readdirSync(site.rootPath);
  assert.ok(names.includes("app") && names.some((name) => name.endsWith(".sock")), String(names));
  const isOpen = (name: string) => lstatSync(join(site.rootPath, name)).mode & 0o077;
  assert.deepEqual(names.filter(isOpen), []);
});

test("another user's root is refused, and nothing in it can be read", posixOnly, async (t) => {
  const why = whyNotAsNobody();
  if (why) {
    t.skip(why);
    return;
  }
  const site = closedRoot(t);
  chmodSync(site.folder, 0o755);
  const owner = await open(site);
  const other = startAgent(site, "another user", { uid: nobody, cwd: "/" });
  // The second time with the root itself open for everybody.
  for (const mode of [0o700, 0o755]) {
    chmodSync(site.rootPath, mode);
    for (const ipc of [undefined, "primary", "client", "readonly"] as const) {
      const attempt = async () => {
        await other.open({ ipc, primaryTimeoutMs: 500 });
        await other.things("findOne", {});
      };
      await assert.rejects(attempt(), refusedAs("PERMISSION", site.rootPath));
    }
  }
  assert.deepEqual(await owner.find(), [{ _id: 1 }]);
});

/** Only root can become another user, who then has to be able to read this package. */
function whyNotAsNobody(): string | undefined {
  if (process.getuid?.() !== 0) return "only root can run a process as another user";
  for (let folder = compiledTests; folder !== dirname(folder); folder = dirname(folder)) {
    if ((statSync(folder).mode & 0o005) !== 0o005) return `other users may not read ${folder}`;
  }
  return undefined;
}

test("names that lead out of the root are refused, and nothing is created", async (t) => {
  const site = closedRoot(t);
  const agent = await open(site);
  const before = [readdirSync(site.folder).sort(), readdirSync(site.rootPath).sort()];
  const names = [
    "..",
    "../x",
    "a/b",
    "/etc",
    "a\\b",
    "a\0b",
    ".",
    "",
    "app/../x",
    "%2e%2e",
    "\u202e",
    "con",
    "x".repeat(64),
  ];
  for (const name of [...names, 7, null, {}, ["app"]]) {
    const insert = agent.chain(["db", name], ["collection", "a"], ["insertOne", {}]);
    await assert.rejects(insert, refusedAs("73"));
  }
  assert.deepEqual([readdirSync(site.folder).sort(), readdirSync(site.rootPath).sort()], before);
});
