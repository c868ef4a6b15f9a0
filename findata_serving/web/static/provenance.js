// The panel of one candle: the row, its minutes, the bars behind it, the payloads these came in, and whether the candle made
// again from those bytes is the stored one. What belongs here: showing the chain; the server walks it.

import { get, instrumentPath, Problem } from "./api.js";
import { byId, button, el, fill, terms } from "./dom.js";
import { count, exact, instantIn, rfc3339, some, timeIn, utc } from "./format.js";

const ACCEPT = "application/vnd.findata.columns+json";
const MOST_BARS = 240;
const MOST_DIFFERENCES = 12;
const PRICES = ["open", "high", "low", "close", "volume"];

export class Provenance {
  constructor(state, onclose) {
    this.node = byId("provenance");
    this.state = state;
    this.onclose = onclose;
  }

  close() {
    this.asked?.abort();
    if (this.node.hidden) return;
    const hadFocus = this.node.contains(document.activeElement);
    this.node.hidden = true;
    fill(this.node);
    if (hadFocus) this.onclose();
  }

  /** Show a row of an instrument and ask for the rest. `now`: the same candle as it is known now, or undefined. */
  async open(instrument, row, { zone, focus, now }) {
    this.asked?.abort();
    const mine = (this.asked = new AbortController());
    this.zone = zone;
    this.node.hidden = false;
    this.node.dataset.eventTime = row.event_time;
    delete this.node.dataset.equal;
    const verdict = el("p", { class: "verdict waiting", role: "status" }, "Reading the payloads again …");
    const rest = el("div");
    fill(this.node, this.header(instrument, row), this.figures(row, now), row.close === null ? null : verdict, rest);
    if (focus) this.node.focus();
    if (row.close === null) return;
    if (!now) return fill(verdict, "This candle is not stored any more: later answers say otherwise.");
    try {
      this.tell(verdict, rest, await this.ask(instrument, row, mine.signal), row);
    } catch (error) {
      if (error.name === "AbortError") return;
      if (!(error instanceof Problem)) throw error;
      verdict.className = "verdict differs";
      fill(verdict, `${error.message} ${error.nextStep ?? ""}`);
    }
  }

  ask(instrument, row, signal) {
    const { interval } = this.state.get();
    const parameters = { interval, event_time: rfc3339(row.event_time), source_interval: row.source_interval };
    return get(instrumentPath(instrument.instrument_id, "/explain"), parameters, { signal, accept: ACCEPT });
  }

  header(instrument, row) {
    const close = button("✕", () => this.onclosed(), { class: "close", "aria-label": "Close" });
    return el(
      "header",
      {},
      el(
        "div",
        {},
        el("h2", {}, `${instrument.instrument_id} ${this.state.get().interval}`),
        el("p", { class: "quiet" }, instantIn(row.event_time, this.zone), el("br"), utc(row.event_time)),
      ),
      close,
    );
  }

  onclosed() {
    this.state.note({ at: "" });
    this.close();
    this.onclose();
  }

  /** The row itself; where the past is shown, beside what is known now. */
  figures(row, now) {
    if (row.close === null) {
      return el(
        "div",
        {},
        el(
          "p",
          { class: "warn" },
          "No bar is known here, although the exchange's calendar expects trading. Nothing is filled in.",
        ),
        el(
          "p",
          { class: "quiet" },
          "The session's cell under the chart says what else is known of it; findata coverage says whether it was asked for.",
        ),
      );
    }
    const differs = (name) => this.state.get().as_of && now && now[name] !== row[name];
    const lines = PRICES.map((name) => [
      name,
      el(
        "span",
        differs(name) ? { class: "warn" } : {},
        name === "volume" ? count(row[name]) : exact(row[name]),
        differs(name) ? `, now ${name === "volume" ? count(now[name]) : exact(now[name])}` : "",
      ),
    ]);
    const minutes = row.expected_minutes
      ? `${row.present_minutes} of ${row.expected_minutes} minutes${row.is_complete ? ", complete" : ""}`
      : null;
    const sessions = row.expected_sessions ? `${row.present_sessions} of ${row.expected_sessions} sessions` : null;
    return terms(
      ...lines,
      ["completeness", [minutes, sessions].filter(Boolean).join("; ")],
      ["settled", settled(row)],
      [
        "folded from",
        row.source_interval
          ? `${row.source_interval} bars of ${row.source}, ${row.adjustment}`
          : `${row.source}, ${row.adjustment}`,
      ],
      ["known since", utc(row.ingest_time)],
    );
  }

  tell(verdict, rest, answer, row) {
    const found =
      answer.explanations.find((one) => (row.source ?? one.stored.source) === one.stored.source) ??
      answer.explanations[0];
    this.node.dataset.equal = found.is_equal;
    verdict.className = `verdict ${found.is_equal ? "equal" : "differs"}`;
    fill(
      verdict,
      found.is_equal
        ? "equal: made again from the bytes received, it is what is stored"
        : ["different: made again from the bytes received, it is not what is stored", differences(found)],
    );
    const isPast = Boolean(this.state.get().as_of);
    fill(
      rest,
      isPast
        ? el(
            "p",
            { class: "quiet" },
            "This proof is of the candle as it is stored now; each payload says when it was received.",
          )
        : null,
      this.payloads(found),
      this.bars(found),
      this.values(found),
    );
  }

  payloads(found) {
    return el(
      "section",
      {},
      el("h3", {}, some(found.payloads.length, "payload")),
      found.payloads.map((one) =>
        el(
          "div",
          { class: "payload", "data-sha256": one.sha256 },
          terms(
            ["received", utc(one.received_time)],
            ["from", `${one.source}, ${one.dataset}`],
            ["asked", request(one.request)],
            ["holds", `${one.size_bytes ? `${count(one.size_bytes)} bytes, ` : ""}${count(one.bars)} of these bars`],
            ["sha256", el("code", {}, one.sha256)],
            [
              "on S3 now",
              one.problem || (one.sha256_now === one.sha256 ? "the same bytes" : el("code", {}, one.sha256_now)),
            ],
            ["object", el("code", {}, one.object_key)],
            ["payload", el("code", {}, String(one.payload_id))],
          ),
        ),
      ),
    );
  }

  bars(found) {
    const columns = found.bars.columns;
    const total = columns.event_time?.length ?? 0;
    const label = (index) =>
      found.source_interval === "1d"
        ? utc(columns.event_time[index]).slice(0, 10)
        : timeIn(columns.event_time[index], this.zone);
    const lines = Array.from({ length: Math.min(total, MOST_BARS) }, (_, index) =>
      el(
        "tr",
        {},
        el("td", {}, label(index)),
        PRICES.map((name) => el("td", { class: "number" }, exact(columns[name][index]))),
      ),
    );
    return el(
      "details",
      { open: total <= 5 },
      el("summary", {}, `${some(total, "bar")} behind it`),
      el(
        "div",
        { class: "scrolled", tabindex: 0 },
        el(
          "table",
          {},
          el(
            "thead",
            {},
            el(
              "tr",
              {},
              ["Start", ...PRICES].map((name, index) =>
                el("th", { scope: "col", ...(index ? { class: "number" } : {}) }, name),
              ),
            ),
          ),
          el("tbody", {}, lines),
        ),
      ),
      total > MOST_BARS ? el("p", { class: "quiet" }, `and ${count(total - MOST_BARS)} more`) : null,
    );
  }

  /** Every column as it is stored and as it was made again. */
  values(found) {
    const again = found.refolded ?? {};
    const word = (name, value) => (name.endsWith("_time") && typeof value === "number" ? utc(value) : exact(value));
    return el(
      "details",
      {},
      el("summary", {}, `The row in ${found.table}, and made again`),
      el(
        "div",
        { class: "scrolled", tabindex: 0 },
        el(
          "table",
          {},
          el(
            "thead",
            {},
            el(
              "tr",
              {},
              ["column", "stored", "made again"].map((name) => el("th", { scope: "col" }, name)),
            ),
          ),
          el(
            "tbody",
            {},
            Object.entries(found.stored).map(([name, value]) =>
              el(
                "tr",
                String(again[name]) === String(value) ? {} : { class: "revised" },
                el("td", {}, name),
                el("td", {}, word(name, value)),
                el("td", {}, word(name, again[name])),
              ),
            ),
          ),
        ),
      ),
    );
  }
}

function settled(row) {
  if (row.settles_time === undefined || row.settles_time === null) return null;
  const isSettled = row.is_settled ?? row.settles_time <= Date.now() * 1000;
  return isSettled ? `yes, since ${utc(row.settles_time)}` : `not before ${utc(row.settles_time)}`;
}

function differences(found) {
  const shown = found.differences.slice(0, MOST_DIFFERENCES);
  const more = found.differences.length - shown.length;
  return el(
    "ul",
    {},
    shown.map((text) => el("li", {}, text)),
    more > 0 ? el("li", {}, `and ${count(more)} more`) : null,
  );
}

/** What a request asked for, in a line. */
function request(asked) {
  if (!asked) return null;
  const window = asked.window_start && asked.window_end ? `[${asked.window_start}, ${asked.window_end})` : null;
  return [asked.provider, asked.dataset, asked.subject, asked.parameters?.file, window].filter(Boolean).join(", ");
}
