// The line above the candles: the figures of one of them. What belongs here: its words, and the same as attributes.

import { el, fill } from "./dom.js";
import { count, dateIn, instantIn, price, short, signed, weekdayIn } from "./format.js";

export class Legend {
  constructor(node) {
    this.node = node;
    this.words = "";
  }

  /** Show a row, or nothing. `before`: the row before it, for the change. */
  show(row, { before, zone, isIntraday, decimals } = {}) {
    if (!row) {
      this.words = "";
      fill(this.node);
      return;
    }
    const time = isIntraday ? instantIn(row.event_time, zone) : whole(row, zone);
    this.mirror(row);
    if (row.close === null) {
      this.words = `${time}: no bar, although trading was expected`;
      fill(this.node, el("b", {}, time), el("span", { class: "warn" }, "no bar here, although trading was expected"));
      return;
    }
    const figures = [
      ["O", row.open],
      ["H", row.high],
      ["L", row.low],
      ["C", row.close],
    ];
    const change = before?.close ? ((row.close - before.close) / before.close) * 100 : null;
    const side = row.close >= row.open ? "rise" : "fall";
    fill(
      this.node,
      el("b", {}, time),
      figures.map(([name, value]) => el("span", { class: side }, el("i", {}, name), price(value, decimals))),
      change === null ? null : el("span", { class: change >= 0 ? "rise" : "fall" }, `${signed(change, 2)} %`),
      el("span", {}, el("i", {}, "V"), short(row.volume)),
      row.is_complete === false
        ? el("span", { class: "warn" }, `${row.present_minutes} of ${row.expected_minutes} min`)
        : null,
    );
    this.words = `${time}: open ${price(row.open, decimals)}, high ${price(row.high, decimals)}, low ${price(row.low, decimals)}, close ${price(row.close, decimals)}, volume ${count(row.volume)}`;
  }

  mirror(row) {
    for (const name of ["event_time", "open", "high", "low", "close", "volume"]) {
      this.node.setAttribute(`data-${name.replace("_", "-")}`, row[name] ?? "");
    }
  }
}

/** The day, week or month of a row. */
function whole(row, zone) {
  if (row.period_start_date && row.period_end_date) return `${row.period_start_date} to ${row.period_end_date}`;
  return `${weekdayIn(row.event_time, zone)} ${row.session_date ?? dateIn(row.event_time, zone)}`;
}
