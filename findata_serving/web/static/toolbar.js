// The choices above the chart. What belongs here: controls that change the state, and showing it in them.

import { byId, el, fill } from "./dom.js";
import { ADJUSTMENTS, INTERVALS, KINDS, VARIANTS } from "./state.js";

const ADJUST_WORDS = { none: "as stored", split: "for splits", all: "for splits, dividends" };
const WIDE = ["1d", "1w", "1mo"];
const SOURCES = { "": "best", "1m": "minutes", "1d": "daily bars" };

export class Toolbar {
  constructor(state) {
    this.state = state;
    radios(byId("intervals"), "interval", INTERVALS, (interval) =>
      state.set({ interval, source: "", at: "", from: "", to: "" }),
    );
    select(byId("variant"), [["", "none"], ...VARIANTS.map((name) => [name, name.replace("_", " ")])], (variant) =>
      state.set(variant ? { variant, levels: "on" } : { levels: "off" }),
    );
    select(
      byId("adjust"),
      ADJUSTMENTS.map((name) => [name, ADJUST_WORDS[name]]),
      (adjust) => state.set({ adjust, from: "", to: "" }),
    );
    select(byId("source"), Object.entries(SOURCES), (source) => state.set({ source, at: "" }));
    this.kinds();
    // On a phone the rarer choices are folded away.
    byId("more").addEventListener("click", () => {
      const isOpen = byId("chart-page").classList.toggle("more");
      byId("more").setAttribute("aria-expanded", String(isOpen));
    });
  }

  kinds() {
    const change = () => {
      const chosen = KINDS.filter((kind) => byId(`kind-${kind}`).checked);
      this.state.set({ signals: chosen.join(" ") });
    };
    for (const kind of KINDS) {
      byId("kinds").append(
        el(
          "label",
          {},
          el("input", { type: "checkbox", id: `kind-${kind}`, onchange: change }),
          ` ${{ breakout: "breakouts", crossing: "crossings", touch: "touches" }[kind]}`,
        ),
      );
    }
  }

  show(state) {
    check(byId("intervals"), state.interval);
    byId("variant").value = state.levels === "on" ? state.variant : "";
    byId("adjust").value = state.adjust;
    byId("source").value = state.source;
    byId("source-label").hidden = !WIDE.includes(state.interval);
    const chosen = state.signals.split(" ");
    for (const kind of KINDS) {
      byId(`kind-${kind}`).checked = chosen.includes(kind);
      byId(`kind-${kind}`).disabled = state.levels === "off" || state.adjust !== "none";
    }
    // Signals are of candles of five minutes; days and wider are of minutes or of the provider's days.
    byId("kinds").hidden = WIDE.includes(state.interval);
    byId("variant").disabled = state.adjust !== "none";
    byId("variant").title = state.adjust === "none" ? "" : "Levels are of prices as stored";
  }

  /** Say what is shown: instrument, currency, source and zone. */
  name(instrument, zone, rows) {
    const row = rows.find((one) => one.close !== null);
    const units = instrument.price_units > 1 ? `${instrument.currency}/${instrument.price_units}` : instrument.currency;
    fill(
      byId("instrument"),
      instrument.symbol ?? instrument.instrument_id,
      el("small", {}, [instrument.mic, units, row?.source ? `from ${row.source}` : null].filter(Boolean).join(" · ")),
    );
    document.title = `${instrument.instrument_id} · findata`;
    byId("zone").textContent = `Times are of the exchange: ${zone}`;
  }
}

/** Buttons of which one is on; arrow keys move among them. */
export function radios(group, name, values, onchoose) {
  fill(
    group,
    values.map((value) =>
      el(
        "label",
        {},
        el("input", { type: "radio", name, value, onchange: () => onchoose(value) }),
        el("span", {}, value),
      ),
    ),
  );
}

export function check(group, value) {
  for (const input of group.querySelectorAll("input")) input.checked = input.value === value;
}

function select(node, options, onchoose) {
  fill(
    node,
    options.map(([value, words]) => el("option", { value }, words)),
  );
  node.addEventListener("change", () => onchoose(node.value));
}
