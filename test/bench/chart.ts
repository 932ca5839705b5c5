/** One picture of a run: how many times as fast as better-sqlite3 each contender was. */
import type { Report } from "./report.js";
import { median } from "./report.js";
import { loadCharts } from "./stores/peers.js";
import type { StoreName } from "./stores/store.js";

/** The line at 1. */
const peer = "better-sqlite3";
const widthPixels = 860;
const pixelsPerWorkload = 62;
const framePixels = 120;
/** Distinguishable in print and for the colour-blind: Okabe and Ito's palette. */
const colours: Record<Exclude<StoreName, typeof peer>, string> = {
  LioranDB: "#0072b2",
  "rave-level": "#e69f00",
  nedb: "#cc79a7",
  lmdb: "#009e73",
};

/** @param reports by the names of their workloads; those without better-sqlite3 are left out */
export function drawChart(reports: Readonly<Record<string, Report>>, caption: string): string {
  const workloads = Object.entries(reports).flatMap(([name, { series, unit }]) => {
    const rates = new Map(series.map(({ name: store, samples }) => [store, median(samples)]));
    const base = rates.get(peer);
    const isRate = unit.endsWith("/s");
    return isRate && base !== undefined && rates.has("LioranDB") ? [{ name, rates, base }] : [];
  });
  const stores = (Object.keys(colours) as (keyof typeof colours)[]).filter((store) =>
    workloads.some(({ rates }) => rates.has(store)),
  );
  const chart = loadCharts().init(null, null, {
    renderer: "svg",
    ssr: true,
    width: widthPixels,
    height: framePixels + pixelsPerWorkload * workloads.length,
  });
  chart.setOption({
    animation: false,
    title: { text: `Times as fast as ${peer}`, subtext: caption, left: "center" },
    legend: { data: stores, bottom: 0, itemGap: 30 },
    grid: { left: 160, right: 50, top: 60, bottom: 60 },
    xAxis: { type: "log", logBase: 10, axisLabel: { formatter: "{value}x" } },
    yAxis: { type: "category", inverse: true, data: workloads.map(({ name }) => name) },
    series: stores.map((store) => ({
      name: store,
      type: "bar",
      barGap: 0,
      itemStyle: { color: colours[store] },
      label: { show: store === "LioranDB", position: "right", formatter: "{c}x" },
      data: workloads.map(({ rates, base }) => {
        const rate = rates.get(store);
        return rate === undefined ? null : Number((rate / base).toPrecision(2));
      }),
    })),
  });
  const svg = chart.renderToSVGString();
  chart.dispose();
  return svg;
}
