// The page of one instrument: what is asked for, in which order, and who is shown what. What does not belong here: drawing
// (chart.js), where things stand (places.js), the panel (provenance.js).

import { get, instrumentPath, rows as ask, Problem } from "./api.js";
import { AsOf, showBanner } from "./asof.js";
import { CandleChart } from "./chart.js";
import { byId } from "./dom.js";
import { Figures } from "./figures.js";
import { dateIn, decimalsOf, instantIn, MICROSECONDS, rfc3339, some } from "./format.js";
import { Legend } from "./legend.js";
import { Live } from "./live.js";
import { showMessage, hideMessage, showProblem } from "./messages.js";
import { boundariesOf, differencesOf, inOrder, INTRADAY, levelsOf, placeOf, signalMarks, stretchesOf, withEnds } from "./places.js";
import { Provenance } from "./provenance.js";
import { Sessions } from "./sessions.js";
import { Toolbar } from "./toolbar.js";

const MOST_CANDLES = 1500;
const NEAR_THE_START = 15; // places: from here on older candles are fetched
const PAUSE_MILLISECONDS = 250;
const MOST_ROWS = 5000;
const MOST_PAGES = 8;
const DAY = 86_400 * MICROSECONDS;
const MOST_SIGNALS = 88 * DAY;
const MOST_CONDITION = 90 * DAY;

export class ChartPage {
  constructor(state) {
    this.state = state;
    this.host = byId("chart");
    this.rows = [];
    this.instruments = new Map();
    this.toolbar = new Toolbar(state);
    this.asOf = new AsOf((as_of) => state.set({ as_of }));
    this.legend = new Legend(byId("legend"));
    this.figures = new Figures((index) => this.open(index));
    this.sessions = new Sessions((first, last) => this.chart.zoom(first, last));
    this.provenance = new Provenance(state, () => this.host.focus());
    this.live = new Live(() => this.refresh(), (isLive) => this.sayLive(isLive));
    this.host.addEventListener("keydown", (event) => this.key(event));
  }

  makeChart() {
    if (this.chart) return;
    this.chart = new CandleChart(this.host);
    this.chart.onClick((index) => index !== null && this.open(index));
    this.chart.onHover((index) => this.say(index));
    this.chart.onView(() => this.viewed());
  }

  recolour() {
    this.chart?.recolour();
    if (this.chart && this.rows.length) this.chart.showMarkers(this.marks ?? []);
  }

  toggleFigures() {
    this.figures.toggle();
    this.showFigures();
  }

  /** Nobody looks at this page now: let go of the stream. */
  leave() {
    this.live.stop();
  }

  /** Something in view has changed: ask for all of it anew, where the eye is. */
  refresh() {
    if (this.host.dataset.state === "ready" && !this.state.get().as_of) this.loading(() => this.load(this.state.get(), true));
  }

  sayLive(isLive) {
    byId("live").hidden = !isLive;
    this.host.dataset.live = isLive ? "on" : "off";
  }

  closePanel() {
    this.state.note({ at: "" });
    this.provenance.close();
    this.chart?.choose(null);
    this.chosen = null;
  }

  /** Show a state; `before` is what this page showed, or null. */
  async show(state, before) {
    this.toolbar.show(state);
    const keep = before && this.rows.length && ["instrument", "interval", "source", "adjust"].every((name) => before[name] === state[name]);
    if (keep && before.as_of === state.as_of) return this.decorateAgain(state, before);
    if (!keep) {
      this.asOf.forget();
      this.rows = [];
    }
    await this.loading(() => this.load(state, keep));
  }

  async loading(load) {
    this.asked?.abort();
    const mine = (this.asked = new AbortController());
    this.host.dataset.state = "loading";
    if (!this.current) showMessage(byId("message"), "Loading …");
    try {
      await load(mine.signal);
    } catch (error) {
      if (mine !== this.asked || error.name === "AbortError") return;
      this.fail(error);
    }
  }

  fail(error) {
    if (!(error instanceof Problem)) throw error;
    this.clear();
    this.host.dataset.state = "error";
    byId("instrument").textContent = this.state.get().instrument || "No instrument";
    showProblem(byId("message"), error, {
      again: () => this.show(this.state.get(), null),
      near: (instrument) => this.state.set({ instrument }),
    });
  }

  clear() {
    this.live.stop();
    this.rows = [];
    this.chart?.show([], { zone: "UTC", isIntraday: false, decimals: 2 });
    this.draw([], [], []);
    this.sessions.show([], [], "UTC");
    this.legend.show(null);
    this.figures.show([], "UTC", 2);
    this.provenance.close();
    this.asOf.show([], this.state.get().as_of);
    this.mirror();
  }

  async load(state, keepsView) {
    const signal = this.asked.signal;
    const instrument = await this.instrument(state.instrument, signal);
    if (!instrument) return this.empty("No instrument is known yet.", "findata materialize --recorded DIR loads recorded files; findata demo the sample.");
    const asked = this.parameters(state);
    const [then, now] = await Promise.all([
      this.candlesBackTo(instrument, asked, signal),
      state.as_of ? this.candlesBackTo(instrument, { ...asked, as_of: "" }, signal) : null,
    ]);
    this.then(instrument, state, then, now ?? then, keepsView);
    if (!then.some((row) => row.close !== null)) return this.nothing(state, then);
    await this.decorate(state, signal);
  }

  parameters(state) {
    return {
      interval: state.interval, source_interval: state.source, as_of: state.as_of, adjust: state.adjust,
      limit: MOST_CANDLES, fill: ["1w", "1mo"].includes(state.interval) ? "" : "grid",
    };
  }

  async instrument(id, signal) {
    if (id && this.instruments.has(id)) return this.instruments.get(id);
    const named = id || (await ask("/v1/instruments", { limit: 1 }, { signal, pages: 1 }))[0]?.instrument_id;
    if (!named) return null;
    const found = snakes(await get(instrumentPath(named), {}, { signal }));
    this.instruments.set(named, found);
    if (!id) this.state.note({ instrument: named });
    return found;
  }

  /** The latest candles, and older ones as far back as the address names some. */
  async candlesBackTo(instrument, parameters, signal) {
    const { at, from } = this.state.get();
    const target = Math.min(at ? Number(at) : Infinity, from ? Number(from) * MICROSECONDS : Infinity, this.rows[0]?.event_time ?? Infinity);
    let found = await this.candles(instrument, parameters, signal);
    for (let page = 0; page < MOST_PAGES && found.length && found[0].event_time > target; page += 1) {
      const older = await this.candles(instrument, { ...parameters, limit: MOST_ROWS, end: rfc3339(found[0].event_time) }, signal);
      if (!older.length) break;
      found = [...older, ...found];
    }
    return found;
  }

  async candles(instrument, parameters, signal) {
    const found = await ask(instrumentPath(instrument.instrument_id, "/candles"), parameters, { signal, pages: 1 });
    // A place without a bar has no session of its own: it is the day of the exchange.
    const zone = instrument.time_zone ?? "UTC";
    return found.map((row) => ({ ...row, close: row.close ?? null, session_date: row.session_date ?? row.period_start_date ?? dateIn(row.event_time, zone) }));
  }

  /** Take what came: rows as they were known then, and as they are known now. */
  then(instrument, state, then, now, keepsView) {
    this.current = instrument;
    this.zone = instrument.time_zone ?? then[0]?.time_zone ?? "UTC";
    this.now = now;
    this.decimals = decimalsOf(now.map((row) => row.close));
    this.makeChart();
    hideMessage(byId("message"));
    this.place(then, keepsView);
    this.toolbar.name(instrument, this.zone, then);
    this.asOf.show([...then, ...now].filter((row) => row.close !== null).map((row) => row.ingest_time), state.as_of);
    this.tellDifferences(state);
    this.restore(state, keepsView);
  }

  place(rows, keepsView) {
    this.rows = rows;
    this.isIntraday = INTRADAY.includes(this.state.get().interval);
    this.chart.show(rows, { zone: this.zone, isIntraday: this.isIntraday, decimals: this.decimals, keepsView });
    this.chart.showBoundaries(boundariesOf(rows, this.state.get().interval));
    this.chart.showStretches(stretchesOf(rows));
  }

  /** Show the part of the axis, and the chosen candle, that the address names. */
  restore(state, keepsView) {
    if (!keepsView) {
      if (state.from && state.to) {
        const [from, to] = [state.from, state.to].map((text) => placeOf(this.rows, Number(text) * MICROSECONDS));
        this.chart.zoom(Math.max(from, 0), to);
      } else this.chart.showEnd();
    }
    const index = state.at ? placeOf(this.rows, Number(state.at)) : -1;
    if (index >= 0) this.open(index, { focus: false });
    else this.closePanel();
    this.say(null);
    this.showFigures();
  }

  tellDifferences(state) {
    this.differences = state.as_of ? differencesOf(this.rows, this.now) : { changed: [], unknown: 0, gone: 0 };
    const { changed, unknown, gone } = this.differences;
    const words = [
      changed.length ? `${some(changed.length, "candle")} said something else than now` : null,
      unknown ? `${some(unknown, "candle")} of now not known yet` : null,
      gone ? `${some(gone, "candle")} not there any more` : null,
    ].filter(Boolean);
    const said = words.length ? `${words.join(", ")}.` : "These candles are as they are known now.";
    showBanner(byId("banner"), state.as_of, said, () => this.state.set({ as_of: "" }));
  }

  nothing(state, rows) {
    const isPast = Boolean(state.as_of);
    this.empty(
      isPast ? "Nothing of this was known then." : `No ${state.interval} candles of ${this.current.instrument_id}.`,
      isPast ? "Move the slider to a later instant, or return to now." : "Another interval may have some. findata coverage says what was asked for and what came.",
    );
    this.rows = rows;
  }

  empty(message, nextStep) {
    this.host.dataset.state = "empty";
    showMessage(byId("message"), message, nextStep);
    this.draw([], [], []);
    this.sessions.show([], [], "UTC");
    this.mirror();
  }

  /** Ask for what stands around the candles; the candles are seen meanwhile. */
  async decorate(state, signal) {
    this.mirror();
    const path = (rest) => instrumentPath(this.current.instrument_id, rest);
    const [first, last] = [this.rows[0], this.rows.at(-1)];
    const window = { start: rfc3339(first.event_time), end: rfc3339((last.available_time ?? last.event_time) + 1), as_of: state.as_of };
    const isDrawn = state.levels === "on" && state.adjust === "none" && state.interval !== "1mo";
    const days = { start: dateIn(Math.max(first.event_time, last.event_time - MOST_CONDITION), this.zone), end: dayAfter(last.period_end_date ?? last.session_date) };
    // Signals of the past are computed while one waits, of a quarter at most.
    const near = { ...window, start: rfc3339(Math.max(first.event_time, last.event_time - MOST_SIGNALS)) };
    this.notes = [];
    const [pivots, signals, sessions, known] = await Promise.all([
      isDrawn ? this.around("Levels", path("/pivots"), { variant: state.variant, limit: MOST_ROWS, ...window }, signal) : [],
      isDrawn && state.signals && this.isIntraday ? this.around("Signals", path("/signals"), { variant: state.variant, limit: MOST_ROWS, ...near }, signal) : [],
      this.isIntraday || state.interval === "1d" ? this.around("Sessions", path("/sessions"), days, signal) : [],
      // Candles and signals are of minutes, levels of days: what became known of either moves the picture.
      Promise.all(["1m", "1d"].map((interval) => this.around("Known times", path("/known-times"), { interval, start: window.start, end: window.end }, signal))),
    ]);
    this.asOf.show(known.flat().map((row) => row.known_time), state.as_of);
    if (this.isIntraday) this.extend(sessions);
    this.draw(pivots, signals, sessions);
    this.host.dataset.state = "ready";
    this.mirror();
    if (state.as_of) this.live.stop();
    else this.live.follow(this.current.instrument_id, state.interval);
  }

  /** Ask for what stands around the candles; where it can't be had, that is noted and the candles stay. */
  async around(what, path, parameters, signal) {
    try {
      return await ask(path, parameters, { signal });
    } catch (error) {
      if (!(error instanceof Problem) || error.status === 0) throw error;
      this.notes.push(`${what}: ${error.message} ${error.nextStep ?? ""}`);
      return [];
    }
  }

  /** Give the first and last session the places that their exchange expects, without candles: what is missing is seen. */
  extend(sessions) {
    const { rows, added } = withEnds(this.rows, sessions, this.state.get().interval, this.hasOlder());
    if (rows.length === this.rows.length) return;
    const view = this.chart.view();
    this.place(rows, false);
    this.chart.zoom(view.from + added + 0.5, view.to + added - 0.5);
    if (this.chosen !== null && this.chosen !== undefined) this.choose(this.chosen + added);
    this.tellDifferences(this.state.get());
  }

  async decorateAgain(state, before) {
    if (["variant", "levels", "signals"].some((name) => before[name] !== state[name])) {
      await this.loading((signal) => this.decorate(state, signal));
    } else this.restore(state, true);
  }

  draw(pivots, signals, sessions) {
    const state = this.state.get();
    this.levels = levelsOf(pivots, this.rows, this.decimals ?? 2);
    this.signals = signalMarks(signals, this.rows, state.signals.split(" "));
    const changed = (this.differences?.changed ?? []).map((index) => ({ index, above: false, shape: "circle", colour: "differs", text: "", size: 0.7 }));
    const shown = this.rows.length ? sessions : [];
    this.marks = this.rows.length ? inOrder([...this.signals, ...changed, ...this.sessions.marks(shown, this.rows)]) : [];
    this.chart?.showLevels(this.levels);
    this.chart?.showMarkers(this.marks);
    const notes = state.as_of && shown.length ? [...(this.notes ?? []), "Conditions of sessions are told as they are known now."] : this.notes;
    this.sessions.show(shown, this.rows, this.zone ?? "UTC", notes);
  }

  /** What is drawn, as attributes: for programs that can't see a canvas. */
  mirror() {
    const present = this.rows.filter((row) => row.close !== null);
    Object.assign(this.host.dataset, {
      instrument: this.current?.instrument_id ?? "", interval: this.state.get().interval, asOf: this.state.get().as_of || "now",
      candles: present.length, missing: this.rows.length - present.length, first: present[0]?.event_time ?? "",
      last: present.at(-1)?.event_time ?? "", levels: this.levels?.length ?? 0, signals: this.signals?.length ?? 0,
      changed: this.differences?.changed.length ?? 0, zone: this.zone ?? "",
    });
    this.host.setAttribute("aria-label", present.length
      ? `${present.length} ${this.state.get().interval} candles of ${this.current.instrument_id}, the last one ${instantIn(present.at(-1).event_time, this.zone)}`
      : "No candles");
  }

  say(index) {
    const place = index ?? this.chosen ?? lastPresent(this.rows);
    this.legend.show(this.rows[place] ?? null, { before: this.rows[place - 1], zone: this.zone, isIntraday: this.isIntraday, decimals: this.decimals });
  }

  /** Choose a candle and show where it comes from. */
  open(index, { focus = true } = {}) {
    if (!this.rows[index]) return;
    this.choose(index);
    this.provenance.open(this.current, this.rows[index], { zone: this.zone, focus, now: this.now.find((row) => row.event_time === this.rows[index].event_time) });
  }

  choose(index) {
    this.chosen = index;
    this.chart.choose(index);
    this.say(index);
    this.state.note({ at: String(this.rows[index].event_time) });
    byId("spoken").textContent = this.legend.words;
  }

  key(event) {
    const by = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    const end = { Home: 0, End: this.rows.length - 1 }[event.key];
    if (!this.rows.length) return;
    if (by || end !== undefined) {
      event.preventDefault();
      const from = this.chosen ?? lastPresent(this.rows) - (by ?? 0);
      this.choose(end ?? Math.min(Math.max(from + by, 0), this.rows.length - 1));
    } else if (event.key === "Enter") {
      event.preventDefault();
      this.open(this.chosen ?? lastPresent(this.rows));
    } else if (["+", "=", "-"].includes(event.key)) {
      const { from, to } = this.chart.view();
      const change = (to - from) * (event.key === "-" ? 0.25 : -0.2);
      this.chart.zoom(from - change, to + change);
    }
  }

  viewed() {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.settled(), PAUSE_MILLISECONDS);
  }

  /** The view has come to rest: note it in the address, fetch older candles where it reaches their beginning. */
  async settled() {
    const view = this.chart.view();
    if (!view || !this.rows.length || this.host.dataset.state !== "ready") return;
    const within = (index) => this.rows[Math.min(Math.max(Math.round(index), 0), this.rows.length - 1)].event_time / MICROSECONDS;
    this.state.note({ from: String(within(view.from)), to: String(within(view.to)) });
    this.showFigures();
    this.chart.showMarkers(this.marks ?? []);
    if (view.from < NEAR_THE_START && this.hasOlder()) await this.loading((signal) => this.older(signal));
  }

  hasOlder() {
    return this.rows.length >= MOST_CANDLES && this.exhausted !== this.rows[0].event_time;
  }

  async older(signal) {
    const state = this.state.get();
    const view = this.chart.view();
    const first = this.rows[0].event_time;
    const asked = { ...this.parameters(state), end: rfc3339(first) };
    const [then, now] = await Promise.all([
      this.candles(this.current, asked, signal),
      state.as_of ? this.candles(this.current, { ...asked, as_of: "" }, signal) : null,
    ]);
    if (!then.length) this.exhausted = first;
    this.now = [...(now ?? then), ...this.now];
    this.place([...then, ...this.rows], false);
    this.chart.zoom(view.from + then.length + 0.5, view.to + then.length - 0.5);
    if (this.chosen !== null && this.chosen !== undefined) this.choose(this.chosen + then.length);
    this.asOf.show([...then, ...(now ?? [])].filter((row) => row.close !== null).map((row) => row.ingest_time), state.as_of);
    this.tellDifferences(state);
    await this.decorate(state, signal);
  }

  showFigures() {
    const view = this.chart?.view();
    if (!view) return;
    const first = Math.max(Math.ceil(view.from), 0);
    this.figures.show(this.rows, this.zone, this.decimals, first, Math.min(Math.floor(view.to), this.rows.length - 1), this.isIntraday);
  }
}

const lastPresent = (rows) => rows.findLastIndex((row) => row.close !== null);
/** A document of proto's own JSON with the names of columns. */
function snakes(document) {
  return Object.fromEntries(Object.entries(document).map(([name, value]) => [name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`), value]));
}


function dayAfter(day) {
  return new Date(Date.parse(`${day}T00:00:00Z`) + 86_400_000).toISOString().slice(0, 10);
}
