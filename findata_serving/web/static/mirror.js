// What is drawn on the canvas, as attributes of its element: for programs and people that can't see it.

import { instantIn, some } from "./format.js";

/** Write what a chart page shows onto its chart's element. */
export function mirror({ host, rows, state, current, levels, signals, differences, zone }) {
  const { interval, as_of } = state.get();
  const present = rows.filter((row) => row.close !== null);
  const [first, last] = [present[0], present.at(-1)];
  Object.assign(host.dataset, {
    instrument: current?.instrument_id ?? "",
    interval,
    asOf: as_of || "now",
    candles: present.length,
    missing: rows.length - present.length,
    first: first?.event_time ?? "",
    last: last?.event_time ?? "",
    levels: levels?.length ?? 0,
    signals: signals?.length ?? 0,
    changed: differences?.changed.length ?? 0,
    zone: zone ?? "",
  });
  const words = last
    ? `${some(present.length, `${interval} candle`)} of ${current.instrument_id}, the last one ${instantIn(last.event_time, zone)}`
    : "No candles";
  host.setAttribute("aria-label", words);
}
