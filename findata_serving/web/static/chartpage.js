// The page of one instrument: what is asked for, in which order, and who is shown what. What does not belong here: drawing
// (chart.js), where things stand (places.js), what is asked how (marketdata.js), the chosen candle (selection.js).

import { Problem } from "./api.js";
import { AsOf, showBanner } from "./asof.js";
import { CandleChart } from "./chart.js";
import { byId } from "./dom.js";
import { Figures } from "./figures.js";
import { decimalsOf, MICROSECONDS, rfc3339, some } from "./format.js";
import { Live } from "./live.js";
import { candles, candlesBackTo, instrumentOf, MOST_CANDLES, surroundings } from "./marketdata.js";
import { hideMessage, showMessage, showProblem } from "./messages.js";
import { mirror } from "./mirror.js";
import {
  boundariesOf,
  differencesOf,
  inOrder,
  INTRADAY,
  levelsOf,
  placeOf,
  signalMarks,
  stretchesOf,
  withEnds,
} from "./places.js";
import { Selection } from "./selection.js";
import { Sessions } from "./sessions.js";
import { Toolbar } from "./toolbar.js";

const NEAR_THE_START = 15; // places: from here on older candles are fetched
const PAUSE_MILLISECONDS = 250;

export class ChartPage {
  constructor(state) {
    this.state = state;
    this.host = byId("chart");
    this.rows = [];
    this.toolbar = new Toolbar(state);
    this.asOf = new AsOf((as_of) => state.set({ as_of }));
    this.figures = new Figures((index) => this.selection.open(index));
    this.sessions = new Sessions((first, last) => this.chart.zoom(first, last));
    this.selection = new Selection(this);
    this.live = new Live(
      () => this.refresh(),
      (isLive) => this.sayLive(isLive),
    );
  }

  makeChart() {
    if (this.chart) return;
    this.chart = new CandleChart(this.host);
    this.chart.onClick((index) => index !== null && this.selection.open(index));
    this.chart.onHover((index) => this.selection.say(index));
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
    if (this.state.get().as_of) return;
    this.isBehind = this.host.dataset.state !== "ready"; // what is under way may have been asked for before the news
    if (!this.isBehind) this.loading(() => this.load(this.state.get(), true));
  }

  sayLive(isLive) {
    byId("live").hidden = !isLive;
    this.host.dataset.live = isLive ? "on" : "off";
  }

  /** Show a state; `before` is what this page showed, or null. */
  async show(state, before) {
    this.toolbar.show(state);
    const keep =
      before &&
      this.rows.length &&
      ["instrument", "interval", "source", "adjust"].every((name) => before[name] === state[name]);
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
    this.figures.show([], "UTC", 2);
    this.selection.forget();
    this.selection.say();
    this.asOf.show([], this.state.get().as_of);
    mirror(this);
  }

  async load(state, keepsView) {
    const signal = this.asked.signal;
    const instrument = await instrumentOf(state.instrument, signal);
    if (!instrument)
      return this.empty(
        "No instrument is known yet.",
        "findata materialize --recorded DIR loads recorded files; findata demo the sample.",
      );
    if (!state.instrument) this.state.note({ instrument: instrument.instrument_id });
    const target = this.farthest(state);
    const [then, now] = await Promise.all([
      candlesBackTo(target, instrument, state, signal),
      state.as_of ? candlesBackTo(target, instrument, { ...state, as_of: "" }, signal) : null,
    ]);
    this.then(instrument, state, then, now ?? then, keepsView);
    if (!then.some((row) => row.close !== null)) return this.nothing(state, then);
    await this.decorate(state, signal);
  }

  /** How far back the address, or what is shown already, reaches: microseconds. */
  farthest({ at, from }) {
    const named = [at ? Number(at) : Infinity, from ? Number(from) * MICROSECONDS : Infinity];
    return Math.min(...named, this.rows[0]?.event_time ?? Infinity);
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
    this.asOf.show(
      [...then, ...now].filter((row) => row.close !== null).map((row) => row.ingest_time),
      state.as_of,
    );
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
    if (index >= 0) this.selection.open(index, { focus: false });
    else this.selection.close();
    this.selection.say();
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
      isPast
        ? "Move the slider to a later instant, or return to now."
        : "Another interval may have some. findata coverage says what was asked for and what came.",
    );
    this.rows = rows;
  }

  empty(message, nextStep) {
    this.host.dataset.state = "empty";
    showMessage(byId("message"), message, nextStep);
    this.draw([], [], []);
    this.sessions.show([], [], "UTC");
    mirror(this);
  }

  /** Ask for what stands around the candles; the candles are seen meanwhile. */
  async decorate(state, signal) {
    mirror(this);
    this.host.dataset.state = "settling"; // the candles can be read, levels and the rest are under way
    const { pivots, signals, sessions, known, notes } = await surroundings(this.current, state, this.rows, signal);
    this.notes = notes;
    this.asOf.show(known, state.as_of);
    if (this.isIntraday) this.extend(sessions);
    this.draw(pivots, signals, sessions);
    this.host.dataset.state = "ready";
    mirror(this);
    if (state.as_of) this.live.stop();
    else this.live.follow(this.current.instrument_id, state.interval);
    if (this.isBehind) this.refresh();
  }

  /** Give the first and last session the places that their exchange expects, without candles: what is missing is seen. */
  extend(sessions) {
    const { rows, added } = withEnds(this.rows, sessions, this.state.get().interval, this.hasOlder());
    if (rows.length === this.rows.length) return;
    const view = this.chart.view();
    this.place(rows, false);
    this.chart.zoom(view.from + added + 0.5, view.to + added - 0.5);
    this.selection.shift(added);
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
    const changed = (this.differences?.changed ?? []).map((index) => ({
      index,
      above: false,
      shape: "circle",
      colour: "differs",
      text: "",
      size: 0.7,
    }));
    const shown = this.rows.length ? sessions : [];
    this.marks = this.rows.length
      ? inOrder([...this.signals, ...changed, ...this.sessions.marks(shown, this.rows)])
      : [];
    this.chart?.showLevels(this.levels);
    this.chart?.showMarkers(this.marks);
    const notes =
      state.as_of && shown.length
        ? [...(this.notes ?? []), "Conditions of sessions are told as they are known now."]
        : this.notes;
    this.sessions.show(shown, this.rows, this.zone ?? "UTC", notes);
  }

  viewed() {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.settled(), PAUSE_MILLISECONDS);
  }

  /** The view has come to rest: note it in the address, fetch older candles where it reaches their beginning. */
  async settled() {
    const view = this.chart.view();
    if (!view || !this.rows.length || this.host.dataset.state !== "ready") return;
    const within = (index) =>
      this.rows[Math.min(Math.max(Math.round(index), 0), this.rows.length - 1)].event_time / MICROSECONDS;
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
    const before = { end: rfc3339(first) };
    const [then, now] = await Promise.all([
      candles(this.current, state, signal, before),
      state.as_of ? candles(this.current, { ...state, as_of: "" }, signal, before) : null,
    ]);
    if (!then.length) this.exhausted = first;
    this.now = [...(now ?? then), ...this.now];
    this.place([...then, ...this.rows], false);
    this.chart.zoom(view.from + then.length + 0.5, view.to + then.length - 0.5);
    this.selection.shift(then.length);
    this.asOf.show(
      [...then, ...(now ?? [])].filter((row) => row.close !== null).map((row) => row.ingest_time),
      state.as_of,
    );
    this.tellDifferences(state);
    await this.decorate(state, signal);
  }

  showFigures() {
    const view = this.chart?.view();
    if (!view) return;
    const first = Math.max(Math.ceil(view.from), 0);
    this.figures.show(
      this.rows,
      this.zone,
      this.decimals,
      first,
      Math.min(Math.floor(view.to), this.rows.length - 1),
      this.isIntraday,
    );
  }
}
