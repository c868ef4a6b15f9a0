// What the chart page asks of the API: an instrument, its candles, what stands around them. What belongs here: questions.
// What does not: showing the answers (chartpage.js).

import { get, instrumentPath, Problem, rows as ask } from "./api.js";
import { dateIn, MICROSECONDS, rfc3339 } from "./format.js";
import { INTRADAY } from "./places.js";

export const MOST_CANDLES = 1500; // of one answer
const MOST_ROWS = 5000;
const MOST_PAGES = 8;
const DAY = 86_400 * MICROSECONDS;
// Signals of the past, and conditions of sessions, are computed while one waits: of a quarter at most.
const MOST_SIGNALS = 88 * DAY;
const MOST_CONDITION = 90 * DAY;

const instruments = new Map();

/** An instrument by its id; the first one there is where none is named; null where there is none at all. */
export async function instrumentOf(id, signal) {
  if (instruments.has(id)) return instruments.get(id);
  const named = id || (await ask("/v1/instruments", { limit: 1 }, { signal, pages: 1 }))[0]?.instrument_id;
  if (!named) return null;
  const found = snakes(await get(instrumentPath(named), {}, { signal }));
  instruments.set(named, found);
  return found;
}

/** A document of proto's own JSON with the names of columns. */
function snakes(document) {
  const snake = (name) => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
  return Object.fromEntries(Object.entries(document).map(([name, value]) => [snake(name), value]));
}

/** The latest candles that a state asks for, and older ones as far back as `target` (microseconds). */
export async function candlesBackTo(target, instrument, state, signal) {
  let found = await candles(instrument, state, signal);
  for (let page = 0; page < MOST_PAGES && found.length && found[0].event_time > target; page += 1) {
    const older = await candles(instrument, state, signal, { limit: MOST_ROWS, end: rfc3339(found[0].event_time) });
    if (!older.length) break;
    found = [...older, ...found];
  }
  return found;
}

/** Candles on the grid of the calendar: a place without a bar has no close, and the day of the exchange as its session. */
export async function candles(instrument, state, signal, further = {}) {
  const { interval, source: source_interval, as_of, adjust } = state;
  const fill = ["1w", "1mo"].includes(interval) ? "" : "grid";
  const asked = { interval, source_interval, as_of, adjust, fill, limit: MOST_CANDLES, ...further };
  const found = await ask(instrumentPath(instrument.instrument_id, "/candles"), asked, { signal, pages: 1 });
  const zone = instrument.time_zone ?? "UTC";
  const dayOf = (row) => row.session_date ?? row.period_start_date ?? dateIn(row.event_time, zone);
  return found.map((row) => ({ ...row, close: row.close ?? null, session_date: dayOf(row) }));
}

/** Ask for what stands around candles: levels, signals, sessions, and when anything of it became known.
 *
 * What can't be had is told in `notes`, and the candles stay; a server that does not answer is an error.
 */
export async function surroundings(instrument, state, rows, signal) {
  const notes = [];
  const around = async (what, path, parameters) => {
    try {
      return await ask(instrumentPath(instrument.instrument_id, path), parameters, { signal });
    } catch (error) {
      if (!(error instanceof Problem) || error.status === 0) throw error;
      notes.push(`${what}: ${error.message} ${error.nextStep ?? ""}`);
      return [];
    }
  };
  const window = windowOf(rows);
  const levels = { variant: state.variant, as_of: state.as_of, limit: MOST_ROWS };
  const hasLevels = state.levels === "on" && state.adjust === "none" && state.interval !== "1mo";
  const hasSignals = hasLevels && state.signals && INTRADAY.includes(state.interval);
  const hasSessions = !["1w", "1mo"].includes(state.interval);
  const [pivots, signals, sessions, ...known] = await Promise.all([
    hasLevels ? around("Levels", "/pivots", { ...levels, ...window }) : [],
    hasSignals ? around("Signals", "/signals", { ...levels, ...windowOf(rows, MOST_SIGNALS) }) : [],
    hasSessions ? around("Sessions", "/sessions", daysOf(rows, instrument.time_zone ?? "UTC")) : [],
    // Candles and signals are of minutes, levels of days: what became known of either moves the picture.
    ...["1m", "1d"].map((interval) => around("Known times", "/known-times", { interval, ...window })),
  ]);
  return { pivots, signals, sessions, known: known.flat().map((row) => row.known_time), notes };
}

/** [start, end) of rows in RFC 3339, at most so many microseconds of it. */
function windowOf(rows, most = Infinity) {
  const [first, last] = [rows[0], rows.at(-1)];
  const start = Math.max(first.event_time, last.event_time - most);
  return { start: rfc3339(start), end: rfc3339((last.available_time ?? last.event_time) + 1) };
}

/** The days [start, end) of the rows, the last ninety of them. */
function daysOf(rows, zone) {
  const [first, last] = [rows[0], rows.at(-1)];
  const after = new Date(Date.parse(`${last.session_date}T00:00:00Z`) + DAY / 1000).toISOString().slice(0, 10);
  return { start: dateIn(Math.max(first.event_time, last.event_time - MOST_CONDITION), zone), end: after };
}
