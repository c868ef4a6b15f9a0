// The slider that rewinds: its stops are the instants at which something became known. What belongs here: the slider, the
// field beside it, the banner. What does not: which figures were known then (the API says it).

import { byId, el, fill } from "./dom.js";
import { microsecondsOf, rfc3339, utc } from "./format.js";

export class AsOf {
  constructor(onchange) {
    this.onchange = onchange;
    this.stops = [];
    this.slider = byId("asof-slider");
    this.slider.addEventListener("input", () => this.say(this.stops[Number(this.slider.value)] ?? null));
    this.slider.addEventListener("change", () => this.go(this.stops[Number(this.slider.value)] ?? null));
    byId("asof-time").addEventListener("change", (event) => this.typed(event.target.value));
    byId("asof-now").addEventListener("click", () => this.go(null));
  }

  /** Forget the stops: another instrument or interval is shown. */
  forget() {
    this.stops = [];
  }

  /** Add instants (microseconds) and show where `as_of` (text of the state) lies among them. */
  show(instants, asOf) {
    this.stops = [...new Set([...this.stops, ...instants])].sort((one, other) => one - other);
    this.instant = microsecondsOf(asOf);
    this.slider.max = this.stops.length;
    this.slider.disabled = this.stops.length === 0;
    this.slider.value = this.instant === null ? this.stops.length : this.placeOf(this.instant);
    byId("asof").dataset.stops = this.stops.length;
    byId("asof-time").value = this.instant === null ? "" : utc(this.instant).slice(0, 19);
    byId("asof-time").removeAttribute("aria-invalid");
    byId("asof-now").disabled = this.instant === null;
    this.say(this.instant);
  }

  /** The last stop that is not after an instant; the first one where all are. */
  placeOf(instant) {
    const after = this.stops.findIndex((stop) => stop > instant);
    return after === -1 ? this.stops.length - 1 : Math.max(after - 1, 0);
  }

  say(instant) {
    const words = instant === null ? "now" : utc(instant);
    byId("asof-text").textContent = words;
    this.slider.setAttribute("aria-valuetext", instant === null ? "now: all that is known" : `as known at ${words}`);
  }

  /** One stop back (-1) or forward (1); after the last one is now. */
  step(by) {
    const place = this.instant === null ? this.stops.length : this.placeOf(this.instant);
    const next = Math.min(Math.max(place + by, 0), this.stops.length);
    this.go(this.stops[next] ?? null);
  }

  /** What was typed: an instant in UTC, a day (its end), or nothing, which is now. */
  typed(text) {
    const written = text
      .trim()
      .replace(/\s+(UTC|Z)$/i, "")
      .replace(" ", "T");
    const whole = /^\d{4}-\d\d-\d\d$/.test(written) ? `${written}T23:59:59.999999` : written;
    const instant = whole ? microsecondsOf(`${whole.replace(/Z$/, "")}Z`) : null;
    byId("asof-time").setAttribute("aria-invalid", String(whole !== "" && instant === null));
    if (whole === "" || instant !== null) this.go(instant);
  }

  go(instant) {
    this.onchange(instant === null ? "" : rfc3339(instant));
  }
}

/** Say that what is shown is the past, and how it differs; hide the banner where it is now. */
export function showBanner(node, asOf, words, ongo) {
  const instant = microsecondsOf(asOf);
  node.hidden = instant === null;
  document.body.classList.toggle("rewound", instant !== null);
  if (instant === null) return;
  fill(
    node,
    el("strong", {}, `Rewound to ${utc(instant)}`),
    el("span", {}, words),
    el("button", { type: "button", onclick: ongo }, "Return to now"),
  );
}
