// The page of reference rates: fixings, their averages recomputed beside the published ones, and what was revised.
// What belongs here: that page. What does not: instruments.

import { createChartEx, createSeriesMarkers, LineSeries } from "./vendor/lightweight-charts/lightweight-charts.js";
import { ratePath, rows as ask, Problem } from "./api.js";
import { showBanner } from "./asof.js";
import { colours, look } from "./chart.js";
import { button, byId, el, fill } from "./dom.js";
import { exact, rfc3339, utc } from "./format.js";
import { hideMessage, showMessage, showProblem } from "./messages.js";
import { labels, SessionScale } from "./sessionscale.js";
import { check, radios } from "./toolbar.js";

const EARLIEST = "1900-01-01"; // with a start pages go forward in time
const MOST_ROWS = 20_000;
const VOLUME = 2; // its column, which not every source has
const AVERAGES = [
  ["average_30day", "30 days"],
  ["average_90day", "90 days"],
  ["average_180day", "180 days"],
];
const LINES = ["fixing", "average_30day", "average_90day", "average_180day"];
const COLOURS = { fixing: "ink", average_30day: "support", average_90day: "resistance", average_180day: "pivot" };
const WORDS = { fixing: "fixing", average_30day: "30-day", average_90day: "90-day", average_180day: "180-day" };

export class RatesPage {
  constructor(state) {
    this.state = state;
    this.host = byId("rate-chart");
    this.lines = [];
    this.host.addEventListener("keydown", (event) => this.key(event));
  }

  async show(state, before) {
    if (before && before.rate === state.rate && before.as_of === state.as_of && this.lines.length) return;
    this.asked?.abort();
    const mine = (this.asked = new AbortController());
    this.host.dataset.state = "loading";
    if (!this.lines.length) showMessage(byId("rate-message"), "Loading …");
    try {
      await this.load(state, mine.signal);
    } catch (error) {
      if (mine !== this.asked || error.name === "AbortError") return;
      if (!(error instanceof Problem)) throw error;
      this.fail(error);
    }
  }

  fail(problem) {
    this.lines = [];
    this.draw();
    fill(byId("rate-figures"));
    this.host.dataset.state = "error";
    showProblem(byId("rate-message"), problem, { again: () => this.show(this.state.get(), null) });
  }

  async load(state, signal) {
    const names = (await ask("/v1/rates", {}, { signal })).map((row) => row.rate);
    const known = [...new Set(names)];
    radios(byId("rates"), "rate", known, (rate) => this.state.set({ rate }));
    const rate = state.rate || (known.includes("SOFR") ? "SOFR" : known[0]);
    if (!rate) return this.empty();
    check(byId("rates"), rate);
    const as_of = state.as_of;
    const [fixings, averages, revisions] = await Promise.all([
      ask(ratePath(rate), { start: EARLIEST, as_of, limit: MOST_ROWS }, { signal }),
      ask(ratePath(rate, "/averages"), { start: EARLIEST, as_of, limit: MOST_ROWS }, { signal }),
      ask(ratePath(rate, "/revisions"), { start: EARLIEST, limit: MOST_ROWS }, { signal }),
    ]);
    this.take(rate, fixings, averages, revisions);
    showBanner(byId("rate-banner"), as_of, "Fixings as they were known then, and averages of these.", () =>
      this.state.set({ as_of: "" }),
    );
  }

  empty() {
    this.host.dataset.state = "empty";
    showMessage(
      byId("rate-message"),
      "No rate is known yet.",
      "findata materialize --source nyfed asks for SOFR and its siblings.",
    );
  }

  /** Make one line a day of fixings, averages and revisions. */
  take(rate, fixings, averages, revisions) {
    const days = new Map();
    const day = (date) => {
      if (!days.has(date)) days.set(date, { date, revisions: [] });
      return days.get(date);
    };
    for (const row of fixings)
      Object.assign(day(row.observation_date), {
        fixing: row.rate_percent,
        volume: row.volume_billions_usd,
        known: row.ingest_time,
        mark: row.revision_indicator,
      });
    for (const row of averages) {
      day(row.observation_date)[row.measure] = row.recomputed ?? row.published;
      day(row.observation_date)[`${row.measure}_row`] = row;
    }
    for (const row of revisions)
      if (row.superseded_time && days.has(row.observation_date)) day(row.observation_date).revisions.push(row);
    this.rate = rate;
    this.lines = [...days.values()].sort((one, other) => one.date.localeCompare(other.date));
    hideMessage(byId("rate-message"));
    fill(
      byId("rate-title"),
      rate,
      el("small", {}, "percent a year, as published; averages recomputed from the fixings"),
    );
    document.title = `${rate} · findata`;
    byId("zone").textContent = "Days are those the rate is for";
    this.draw();
    this.showFigures();
    this.host.dataset.state = "ready";
  }

  draw() {
    this.makeChart();
    const time = (line) => Date.parse(`${line.date}T00:00:00Z`) / 1000;
    for (const name of LINES) {
      this.series[name].setData(
        this.lines.map((line) =>
          line[name] === undefined || line[name] === null
            ? { time: time(line) }
            : { time: time(line), value: line[name] },
        ),
      );
    }
    const palette = colours();
    const revised = this.lines.filter(isRevised);
    this.markers.setMarkers(
      revised.map((line) => ({
        time: time(line),
        position: "aboveBar",
        shape: "circle",
        color: palette.differs,
        text: "revised",
        size: 1,
      })),
    );
    this.chart.timeScale().fitContent();
    Object.assign(this.host.dataset, {
      rate: this.rate ?? "",
      fixings: this.lines.filter((line) => line.fixing !== undefined).length,
      revised: revised.length,
    });
    this.host.setAttribute(
      "aria-label",
      `${this.rate}: ${this.host.dataset.fixings} fixings, ${revised.length} revised; the table below has the figures`,
    );
    this.say(null);
  }

  makeChart() {
    if (this.chart) return;
    const scale = new SessionScale();
    this.chart = createChartEx(this.host, scale, { autoSize: true, ...look(colours()) });
    const { tick, crosshair } = labels("UTC", false);
    this.chart.applyOptions({ timeScale: { tickMarkFormatter: tick }, localization: { timeFormatter: crosshair } });
    this.series = Object.fromEntries(
      LINES.map((name) => [
        name,
        this.chart.addSeries(LineSeries, {
          lineWidth: name === "fixing" ? 1 : 2,
          lineType: name === "fixing" ? 1 : 0,
          priceLineVisible: false,
          priceFormat: { type: "price", precision: 3, minMove: 0.001 },
        }),
      ]),
    );
    this.markers = createSeriesMarkers(this.series.fixing, []);
    this.chart.subscribeCrosshairMove(({ logical, point }) => this.say(point ? Math.round(logical) : null));
    this.recolour();
  }

  recolour() {
    if (!this.chart) return;
    const palette = colours();
    this.chart.applyOptions(look(palette));
    for (const name of LINES) this.series[name].applyOptions({ color: palette[COLOURS[name]] });
  }

  key(event) {
    const by = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (!by || !this.lines.length) return;
    event.preventDefault();
    this.place = Math.min(Math.max((this.place ?? this.lines.length - 1) + by, 0), this.lines.length - 1);
    this.say(this.place);
  }

  say(index) {
    const line = this.lines[index ?? this.place ?? this.lines.length - 1];
    const palette = { fixing: "", average_30day: "support", average_90day: "resistance", average_180day: "pivot" };
    fill(
      byId("rate-legend"),
      line
        ? [
            el("b", {}, line.date),
            LINES.map((name) =>
              el(
                "span",
                { class: `line-${palette[name] || "ink"}` },
                el("i", {}, WORDS[name]),
                line[name] === undefined || line[name] === null ? "–" : line[name].toFixed(name === "fixing" ? 2 : 5),
              ),
            ),
          ]
        : [],
    );
  }

  showFigures() {
    const hasVolume = this.lines.some((line) => volume(line) !== "–");
    const isShown = (_, index) => hasVolume || index !== VOLUME;
    const headers = [
      "Day",
      "Rate",
      "Volume, bn USD",
      ...AVERAGES.map(([, words]) => words),
      "Index",
      "Known since",
      "Revisions",
    ].filter(isShown);
    const numbers = (index) => (index >= 1 && index <= headers.length - 3 ? { class: "number" } : {});
    const lines = [...this.lines].reverse().map((line) =>
      el(
        "tr",
        isRevised(line) ? { class: "revised" } : {},
        this.cells(line)
          .filter(isShown)
          .map((cell, index) => el("td", numbers(index), cell)),
      ),
    );
    fill(
      byId("rate-figures"),
      el(
        "div",
        { class: "scrolled", tabindex: 0, role: "group", "aria-label": "Figures" },
        el(
          "table",
          {},
          el(
            "caption",
            {},
            `${this.rate}, newest first. Averages are recomputed; ≠ marks one that is not the published figure within its rounding.`,
          ),
          el(
            "thead",
            {},
            el(
              "tr",
              {},
              headers.map((text, index) => el("th", { scope: "col", ...numbers(index) }, text)),
            ),
          ),
          el("tbody", {}, lines),
        ),
      ),
    );
  }

  cells(line) {
    const averages = AVERAGES.map(([name]) => average(line[`${name}_row`], 5));
    return [
      line.date,
      padded(line.fixing),
      volume(line),
      ...averages,
      average(line.index_row, 8),
      line.known ? utc(line.known) : "–",
      revisionsOf(line, (as_of) => this.state.set({ as_of })),
    ];
  }
}

/** A rate with two decimals, or as many more as it has. */
function padded(value) {
  if (value === null || value === undefined) return "–";
  return Number(value.toFixed(2)) === value ? value.toFixed(2) : exact(value);
}

function volume(line) {
  return line.volume === null || line.volume === undefined ? "–" : exact(line.volume);
}

const isRevised = (line) => line.revisions.length > 0 || Boolean(line.mark);

/** A recomputed figure, and whether it is the published one: half a unit of its last decimal is rounding. */
function average(row, decimals) {
  if (!row) return "–";
  if (row.recomputed === null || row.recomputed === undefined)
    return el(
      "span",
      { class: "quiet", title: row.reason ?? "" },
      row.published === null || row.published === undefined ? "–" : `${row.published.toFixed(decimals)} published`,
    );
  const isOff =
    row.difference !== null && row.difference !== undefined && Math.abs(row.difference) > 0.5000001 * 10 ** -decimals;
  return el(
    "span",
    { title: row.published === null || row.published === undefined ? "not published" : `published ${row.published}` },
    row.recomputed.toFixed(decimals),
    isOff ? " ≠" : "",
  );
}

/** What was said before, each with a button that rewinds to the last moment of it. */
function revisionsOf(line, rewind) {
  const before = line.revisions.map((row) =>
    button(
      `${padded(row.rate_percent)} until ${utc(row.superseded_time)}`,
      () => rewind(rfc3339(row.superseded_time - 1)),
      {
        class: "link",
        title: "Rewind to what was known until then",
      },
    ),
  );
  return [line.mark ? `marked ${line.mark} ` : null, ...before].filter(Boolean);
}
