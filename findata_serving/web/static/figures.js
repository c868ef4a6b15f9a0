// The candles in view as a table: for reading, copying and screen readers. What belongs here: the table.

import { byId, button, el, fill } from "./dom.js";
import { count, dateIn, exact, instantIn, utc } from "./format.js";

const MOST_LINES = 200;
const HEADERS = ["Time", "Open", "High", "Low", "Close", "Volume", "Minutes", "Known since"];

export class Figures {
  constructor(onopen) {
    this.node = byId("figures");
    this.onopen = onopen;
  }

  toggle() {
    this.node.hidden = !this.node.hidden;
    if (!this.node.hidden) this.node.scrollIntoView({ block: "nearest" });
  }

  /** Show rows [first, last] of the axis, at most the last 200 of them. */
  show(rows, zone, decimals, first = 0, last = rows.length - 1, isIntraday = true) {
    if (this.node.hidden) return;
    const from = Math.max(first, last - MOST_LINES + 1);
    const lines = rows.slice(from, last + 1).map((row, place) => this.line(row, from + place, zone, isIntraday));
    const numbers = (index) => (index > 0 && index < 7 ? { class: "number" } : {});
    fill(
      this.node,
      el(
        "div",
        { class: "scrolled", tabindex: 0, role: "group", "aria-label": "Figures in view" },
        el(
          "table",
          {},
          el("caption", {}, `Candles in view, ${lines.length} of ${last - first + 1}; times of ${zone}`),
          el(
            "thead",
            {},
            el(
              "tr",
              {},
              HEADERS.map((text, index) => el("th", { scope: "col", ...numbers(index) }, text)),
            ),
          ),
          el("tbody", {}, lines.reverse()),
        ),
      ),
    );
  }

  line(row, index, zone, isIntraday) {
    const time = isIntraday
      ? instantIn(row.event_time, zone)
      : (row.period_start_date ?? row.session_date ?? dateIn(row.event_time, zone));
    const open = button(time, () => this.onopen(index), { class: "link" });
    if (row.close === null)
      return el("tr", { class: "absent" }, el("td", {}, open), el("td", { colspan: 7 }, "no bar"));
    const minutes = row.expected_minutes ? `${row.present_minutes} of ${row.expected_minutes}` : "";
    const cells = [exact(row.open), exact(row.high), exact(row.low), exact(row.close), count(row.volume), minutes];
    return el(
      "tr",
      {},
      el("td", {}, open),
      cells.map((text) => el("td", { class: "number" }, text)),
      el("td", {}, utc(row.ingest_time)),
    );
  }
}
