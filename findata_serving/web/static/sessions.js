// The sessions in view and their condition: what is there of each, what is missing, refused, revised, still provisional.
// What belongs here: the strip under the chart, and the marks of its sessions on it.

import { byId, button, el, fill } from "./dom.js";
import { count, some, timeIn, utc, weekdayIn } from "./format.js";

const MOST_CELLS = 40;

export class Sessions {
  constructor(onzoom) {
    this.node = byId("sessions");
    this.onzoom = onzoom;
  }

  /** Show a cell for each session; a click shows its candles. */
  show(sessions, rows, zone, notes = []) {
    const days = byDay(sessions);
    const told = notes.map((note) => el("p", { class: "warn" }, note));
    this.node.hidden = days.length === 0 && notes.length === 0;
    if (!days.length) return fill(this.node, told);
    const cells = days.slice(-MOST_CELLS).map((day) => this.cell(day, rows, zone));
    const troubled = days.filter((day) => conditionOf(day) !== "complete");
    fill(
      this.node,
      el("div", { class: "cells" }, cells),
      el("p", {}, summary(days, troubled), " ", key()),
      told,
      troubled.length
        ? el(
            "p",
            {},
            troubled
              .slice(-4)
              .map((day) => `${day.session_date}: ${words(day, zone)}`)
              .join(" · "),
          )
        : null,
    );
  }

  cell(day, rows, zone) {
    const places = rows
      .map((row, index) => (row.session_date === day.session_date ? index : -1))
      .filter((index) => index >= 0);
    const said = `${day.session_date}: ${words(day, zone)}`;
    const attributes = {
      "data-condition": conditionOf(day),
      "data-session": day.session_date,
      title: said,
      "aria-label": said,
      disabled: places.length === 0,
    };
    return button(day.session_date.slice(5), () => this.onzoom(places[0], places.at(-1)), attributes);
  }

  /** A mark over the first candle of each session of which rows were set aside. */
  marks(sessions, rows) {
    const refused = byDay(sessions).filter((day) => day.quarantined > 0);
    return refused.flatMap((day) => {
      const index = rows.findIndex((row) => row.session_date === day.session_date && row.close !== null);
      const text = `${count(day.quarantined)} set aside`;
      return index < 0 ? [] : [{ index, above: true, shape: "square", colour: "quarantined", text }];
    });
  }
}

/** One entry a session: the worst of its sources, with what is refused of any. */
function byDay(sessions) {
  const days = new Map();
  for (const row of sessions) {
    const held = days.get(row.session_date);
    const quarantined = Math.max(held?.quarantined ?? 0, row.quarantined_rows ?? 0);
    const worse = !held || RANK[row.status] > RANK[held.status] ? row : held;
    days.set(row.session_date, { ...worse, quarantined });
  }
  return [...days.values()].sort((one, other) => one.session_date.localeCompare(other.session_date));
}

const RANK = { complete: 0, partial: 1, missing: 2 };

function conditionOf(day) {
  if (day.quarantined > 0) return "quarantined";
  if (day.status !== "complete") return day.status;
  return day.is_settled === false ? "provisional" : "complete";
}

function words(day, zone) {
  const parts = [
    day.status === "complete"
      ? `complete, ${count(day.expected_bars)} bars`
      : `${day.status}, ${count(day.present_bars)} of ${count(day.expected_bars)} bars`,
  ];
  if (day.missing_ranges?.length)
    parts.push(`missing ${day.missing_ranges.map((range) => local(day.session_date, range, zone)).join(", ")}`);
  if (day.quarantined) parts.push(`${some(day.quarantined, "row")} set aside`);
  if (day.revised_rows) parts.push(`${some(day.revised_rows, "row")} revised`);
  if (day.is_settled === false && day.settles_time) parts.push(`provisional until ${utc(day.settles_time)}`);
  return parts.join(", ");
}

/** "13:30-16:00" in UTC as hours of the exchange. */
function local(date, range, zone) {
  const ends = range.split("-").map((time) => Date.parse(`${date}T${time === "24:00" ? "00:00" : time}:00Z`) * 1000);
  return ends.some(Number.isNaN) ? `${range} UTC` : ends.map((instant) => timeIn(instant, zone)).join("–");
}

function summary(days, troubled) {
  const [first, last] = [days[0].session_date, days.at(-1).session_date];
  const sessions = days.length === 1 ? `Session of ${first}` : `${count(days.length)} sessions, ${first} to ${last}`;
  return troubled.length
    ? `${sessions}; ${count(troubled.length)} with something to know:`
    : `${sessions}, all complete.`;
}

function key() {
  const kinds = [
    ["complete", "complete"],
    ["partial", "bars missing"],
    ["quarantined", "rows set aside"],
    ["provisional", "provisional"],
  ];
  return el(
    "span",
    { class: "key", "aria-hidden": "true" },
    kinds.map(([name, text]) => el("span", { class: name }, text)),
  );
}
