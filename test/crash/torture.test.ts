/**
 * Several processes under mixed load are killed at random, and kill themselves at every named point of the write path.
 * After each round of kills everybody stands still, and what is stored is held against what they have noted.
 */
import assert from "node:assert/strict";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { Site } from "../process/site.js";
import { isSoak, progress, Random, scaled, seed } from "../support/soak.js";
import { Fleet } from "./torture/fleet.js";
import { LedgerReader } from "./torture/ledger.js";
import { LedgerCheck } from "./torture/ledger-check.js";
import { Observer } from "./torture/observer.js";

const killsWanted = Number(process.env.LIORAN_TORTURE_KILLS ?? scaled(8, 1_000));
const processes = scaled(3, 4);
/** With new collections from time to time, what is to be checked stays small. */
const roundsPerGeneration = 12;
/** Acknowledged operations between two kills, at least. */
const leastLoad = 20;
const mostLoad = 150;

interface Totals {
  acknowledged: number;
  /** Not acknowledged, because their process was killed: applied once, and not at all. */
  applied: number;
  unapplied: number;
  rounds: number;
}

test(`${killsWanted} kills (seed ${seed}): nothing is lost, nothing is doubled, nothing is made up`, async (t) => {
  // Before the site kills whoever is left.
  t.after(() => fleet.stop());
  const site = new Site(t);
  const random = new Random(seed);
  const fleet = new Fleet(site, random);
  mkdirSync(site.rootPath);
  const observer = new Observer(site.rootPath);
  t.after(() => observer.close());
  const totals: Totals = { acknowledged: 0, applied: 0, unapplied: 0, rounds: 0 };
  fleet.start(processes);
  for (let generation = 1; fleet.killCount < killsWanted; generation += 1) {
    const folder = join(site.folder, `generation-${generation}`);
    mkdirSync(folder);
    await liveGeneration(folder, fleet, observer, random, totals);
    progress(told(site, fleet, totals));
  }
  await fleet.end();
  assert.ok(totals.acknowledged > 0);
  for (const point of isSoak ? fleet.points : []) {
    assert.ok(fleet.kills.has(point), `nobody died ${point}`);
  }
  t.diagnostic(told(site, fleet, totals));
});

/** Rounds of load, kills and a check, beginning with new collections. @param folder of its ledgers */
async function liveGeneration(
  folder: string,
  fleet: Fleet,
  observer: Observer,
  random: Random,
  totals: Totals,
): Promise<void> {
  await observer.beginGeneration();
  const check = new LedgerCheck();
  const ledgers = new Map<string, LedgerReader>();
  for (let round = 0; round < roundsPerGeneration && fleet.killCount < killsWanted; round += 1) {
    fleet.run(folder);
    const wanted = fleet.acknowledged + leastLoad + random.below(mostLoad - leastLoad);
    await fleet.until("acknowledged operations", () => fleet.acknowledged >= wanted);
    await strike(fleet, random);
    await standStill(fleet, observer);
    for (const path of fleet.ledgerPaths) {
      const ledger = ledgers.get(path) ?? new LedgerReader(path);
      ledgers.set(path, ledger);
      check.add(ledger.read());
    }
    assert.deepEqual(check.check(await observer.read()), [], `seed ${seed}`);
    totals.rounds += 1;
  }
  for (const ledger of ledgers.values()) ledger.close();
  totals.acknowledged += check.acknowledged;
  totals.applied += check.appliedUnknown;
  totals.unapplied += check.unappliedUnknown;
}

/** Kills somebody, in one of several ways. */
async function strike(fleet: Fleet, random: Random): Promise<void> {
  await delay(random.below(6));
  const { primary } = fleet;
  if (primary?.diesClosing) {
    fleet.leave(primary);
    return;
  }
  if (primary?.armed && random.below(2) === 0) {
    // It works until it dies by itself, if it has come that far.
    const { ends, acknowledged } = fleet;
    const until = acknowledged + mostLoad;
    await fleet.until("a death", () => fleet.ends > ends || fleet.acknowledged >= until);
    return;
  }
  const others = fleet.alive.filter((worker) => worker !== primary);
  switch (random.below(8)) {
    case 0:
    case 1:
      if (primary) fleet.kill(primary, "primary");
      return;
    case 2:
      fleet.kill(random.pick(others), "client");
      return;
    case 3:
      if (primary) fleet.kill(primary, "primary");
      fleet.kill(random.pick(others), "client with its primary");
      return;
    case 4:
      for (const worker of fleet.alive) fleet.kill(worker, "all at once");
      return;
    case 5: {
      if (!primary) return;
      fleet.kill(primary, "primary");
      await fleet.killHeir(primary, random.below(12));
      return;
    }
    case 6: {
      if (!primary) return;
      fleet.leave(primary);
      await delay(random.below(8));
      fleet.kill(primary, "primary that closes");
      return;
    }
    default:
      // In order, unless it is armed for that.
      if (primary) fleet.leave(primary);
  }
}

/** Resolves once nothing is under way, and nobody has died meanwhile. */
async function standStill(fleet: Fleet, observer: Observer): Promise<void> {
  for (;;) {
    await fleet.pause();
    if (await observer.settled(fleet)) return;
    fleet.throwFailure();
  }
}

function told(site: Site, fleet: Fleet, totals: Totals): string {
  const kinds = [...fleet.kills].sort().map(([kind, count]) => `${kind} ${count}`);
  const { acknowledged, applied, unapplied, rounds } = totals;
  return (
    `${fleet.killCount} kills (${kinds.join(", ")}), ${fleet.departures} departures, ${site.lockRecord().epoch} primaries, ` +
    `${rounds} checks, ${acknowledged} operations acknowledged, of others ${applied} applied and ${unapplied} not`
  );
}
