import { startAgents } from "../agent-process.js";
import { median } from "../report.js";
import { FILLED_DOCUMENTS, interleave, temporaryFolder, type Workload } from "../workload.js";

const IN_FLIGHT = 64;
const GOAL_PER_SECOND = 100_000;
const GOAL_ROUND_TRIP_US = 150;

/** Reads that a client sends to the primary: what the protocol between processes can do. */
export const forwardedRead: Workload = {
  name: "forwarded-read",
  stores: ["LioranDB"],
  run: async (context) => {
    const options = { reads: "primary" } as const;
    const [primary, client] = await startAgents(
      "LioranDB",
      await temporaryFolder(),
      ["primary", "client"],
      options,
    );
    await primary!.call("fill", FILLED_DOCUMENTS);
    const series = await interleave(
      [
        {
          name: `${IN_FLIGHT} in flight`,
          measure: (durationMs) =>
            client!.call("readOverlapping", FILLED_DOCUMENTS, durationMs, IN_FLIGHT),
        },
        {
          name: "one by one",
          measure: (durationMs) => client!.call("read", FILLED_DOCUMENTS, durationMs),
        },
      ],
      context,
    );
    await client!.stop();
    await primary!.stop();
    const perSecond = median(series[0]!.samples);
    const roundTripUs = 1e6 / median(series[1]!.samples);
    return {
      title: 'forwarded-read: findOne({ _id }) of one client with reads: "primary"',
      unit: "ops/s",
      series,
      verdicts: [
        {
          text: `${Math.round(perSecond).toLocaleString("en-US")} per second with ${IN_FLIGHT} in flight`,
          goal: `at least ${GOAL_PER_SECOND.toLocaleString("en-US")}`,
          met: perSecond >= GOAL_PER_SECOND,
        },
        {
          text: `a round trip alone takes ${roundTripUs.toFixed(0)} us`,
          goal: `at most ${GOAL_ROUND_TRIP_US} us`,
          met: roundTripUs <= GOAL_ROUND_TRIP_US,
        },
      ],
    };
  },
};
