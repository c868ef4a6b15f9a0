// The chosen candle: by pointer or keyboard, its figures in the legend, its origin in the panel. What belongs here: choosing.
// What does not: which candles there are (chartpage.js).

import { byId } from "./dom.js";
import { Legend } from "./legend.js";
import { Provenance } from "./provenance.js";

export class Selection {
  /** `page` has the rows, the chart, the zone and the state. */
  constructor(page) {
    this.page = page;
    this.index = null;
    this.legend = new Legend(byId("legend"));
    this.provenance = new Provenance(page.state, () => page.host.focus());
    page.host.addEventListener("keydown", (event) => this.key(event));
  }

  /** Show the figures of a place: the one under the pointer, else the chosen, else the last candle. */
  say(index = null) {
    const { rows, zone, isIntraday, decimals } = this.page;
    const place = index ?? this.index ?? lastPresent(rows);
    this.legend.show(rows[place] ?? null, { before: rows[place - 1], zone, isIntraday, decimals });
  }

  choose(index) {
    this.index = index;
    this.page.chart.choose(index);
    this.say(index);
    this.page.state.note({ at: String(this.page.rows[index].event_time) });
    byId("spoken").textContent = this.legend.words;
  }

  /** Choose a candle and show where it comes from. */
  open(index, { focus = true } = {}) {
    const { rows, current, zone, now } = this.page;
    const row = rows[index];
    if (!row) return;
    this.choose(index);
    this.provenance.open(current, row, { zone, focus, now: now.find((one) => one.event_time === row.event_time) });
  }

  close() {
    this.page.state.note({ at: "" });
    this.forget();
  }

  /** Show no choice; the address keeps it, for when candles are there again. */
  forget() {
    this.provenance.close();
    this.page.chart?.choose(null);
    this.index = null;
  }

  /** Stay with the same candle: so many places have come before it. */
  shift(added) {
    if (this.index !== null) this.choose(this.index + added);
  }

  key(event) {
    const { rows, chart } = this.page;
    if (!rows.length) return;
    const by = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    const end = { Home: 0, End: rows.length - 1 }[event.key];
    if (by || end !== undefined) {
      event.preventDefault();
      const from = this.index ?? lastPresent(rows) - (by ?? 0);
      this.choose(end ?? Math.min(Math.max(from + by, 0), rows.length - 1));
    } else if (event.key === "Enter") {
      event.preventDefault();
      this.open(this.index ?? lastPresent(rows));
    } else if (["+", "=", "-"].includes(event.key)) {
      const { from, to } = chart.view();
      const change = (to - from) * (event.key === "-" ? 0.25 : -0.2);
      chart.zoom(from - change, to + change);
    }
  }
}

const lastPresent = (rows) => rows.findLastIndex((row) => row.close !== null);
