// Where things stand on the axis. What belongs here: from rows, levels and signals to places (indices of rows), pure.

const SIGNS = {
  up: { above: false, shape: "arrowUp", colour: "rise" },
  down: { above: true, shape: "arrowDown", colour: "fall" },
};
const LETTER = { breakout: "", crossing: "×", touch: "·" };
const LEVEL_NAMES = ["pp", "r1", "r2", "r3", "r4", "r5", "s1", "s2", "s3", "s4", "s5"];
export const INTRADAY = ["1m", "5m", "15m", "30m", "1h", "4h"];
const MINUTES = { "1m": 1, "5m": 5, "15m": 15, "30m": 30, "1h": 60, "4h": 240 };

/** The last place that does not begin after an instant, or -1. */
export function placeOf(rows, instant) {
  let [low, high] = [0, rows.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (rows[middle].event_time <= instant) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}

/** Places that begin a session, or the part after a break; of days and wider, a month or a year. */
export function boundariesOf(rows, interval) {
  const found = [];
  for (let index = 1; index < rows.length; index += 1) {
    const [now, before] = [rows[index], rows[index - 1]];
    const kind = INTRADAY.includes(interval)
      ? withinDays(now, before, MINUTES[interval])
      : wider(now, before, interval);
    if (kind) found.push({ index, kind });
  }
  return found;
}

function withinDays(now, before, minutes) {
  if (now.session_date !== before.session_date) return "day";
  return now.event_time - before.event_time > minutes * 60_000_000 ? "break" : null;
}

function wider(now, before, interval) {
  const cut = interval === "1d" ? 7 : 4;
  const day = (row) => row.session_date ?? row.period_start_date ?? "";
  return day(now).slice(0, cut) === day(before).slice(0, cut) ? null : "day";
}

/** Stretches of places where candles are missing ("missing") or lack some of their minutes ("partial"). */
export function stretchesOf(rows) {
  const found = [];
  rows.forEach((row, index) => {
    const kind = row.close === null ? "missing" : row.is_complete === false ? "partial" : null;
    const last = found.at(-1);
    if (kind && last?.kind === kind && last.last === index - 1) last.last = index;
    else if (kind) found.push({ first: index, last: index, kind });
  });
  return found;
}

/** Levels of each week as lines over the places at which they hold. */
export function levelsOf(pivots, rows, decimals) {
  const found = [];
  for (const pivot of chosenPivots(pivots)) {
    const first = rows.findIndex((row) => row.event_time >= pivot.valid_from_time);
    const last = placeOf(rows, pivot.valid_until_time - 1);
    if (first < 0 || last < first) continue;
    for (const name of LEVEL_NAMES) {
      const price = pivot[name];
      if (price === null || price === undefined) continue;
      const side = { p: "pivot", r: "resistance", s: "support" }[name[0]];
      found.push({
        name,
        price,
        side,
        first,
        last,
        text: `${name.toUpperCase()} ${price.toFixed(decimals)}`,
        week: pivot.window_start_date,
      });
    }
  }
  // The newest week first: where labels meet, its own stand.
  return found.reverse();
}

/** One row a week: levels from daily bars, or from minutes where there are no others. */
function chosenPivots(pivots) {
  const weeks = new Map();
  for (const pivot of pivots) {
    const other = weeks.get(pivot.window_start_date);
    if (!other || (other.source_interval !== "1d" && pivot.source_interval === "1d"))
      weeks.set(pivot.window_start_date, pivot);
  }
  return [...weeks.values()].sort((one, other) => one.valid_from_time - other.valid_from_time);
}

/** Signals as markers: one for each place and direction, naming up to two levels. */
export function signalMarks(signals, rows, kinds) {
  const groups = new Map();
  for (const signal of signals) {
    const index = placeOf(rows, signal.event_time);
    if (index < 0 || !kinds.includes(signal.kind) || rows[index].close === null) continue;
    const key = `${index} ${signal.direction}`;
    if (!groups.has(key)) groups.set(key, { index, direction: signal.direction, names: new Set() });
    groups.get(key).names.add(`${LETTER[signal.kind]}${signal.level.toUpperCase()}`);
  }
  return [...groups.values()].map(({ index, direction, names }) => {
    const [first, second, ...more] = names;
    const text = [first, second].filter(Boolean).join(" ") + (more.length ? ` +${more.length}` : "");
    return { index, text, ...SIGNS[direction] };
  });
}

/** How rows of then differ from rows of now: places of then, and how many are not there at all. */
export function differencesOf(then, now) {
  const present = (row) => row && row.close !== null;
  const known = new Map(now.filter(present).map((row) => [row.event_time, row]));
  const changed = [];
  let unknown = 0,
    gone = 0;
  then.forEach((row, index) => {
    const today = known.get(row.event_time);
    if (!present(row)) return;
    if (!today) gone += 1;
    else if (["open", "high", "low", "close", "volume"].some((name) => row[name] !== today[name])) changed.push(index);
  });
  const seen = new Set(then.filter(present).map((row) => row.event_time));
  for (const time of known.keys()) if (!seen.has(time)) unknown += 1;
  return { changed, unknown, gone };
}

/** Rows with the places before the first and after the last one that their sessions expect; `added`: how many before, where
 * the rows don't go on there (`hasOlder`). */
export function withEnds(rows, sessions, interval, hasOlder) {
  const grid = (date) =>
    expectedTimes(
      sessions.find((session) => session.session_date === date),
      MINUTES[interval],
    );
  const [first, last] = [rows[0], rows.at(-1)];
  const place = (event_time, session_date) => ({ event_time, session_date, close: null });
  const before = hasOlder
    ? []
    : grid(first.session_date)
        .filter((time) => time < first.event_time)
        .map((time) => place(time, first.session_date));
  const now = Date.now() * 1000;
  const after = grid(last.session_date)
    .filter((time) => time > last.event_time && time <= now)
    .map((time) => place(time, last.session_date));
  return { rows: [...before, ...rows, ...after], added: before.length };
}

/** When candles of a session should start: from the open of each of its segments on. */
function expectedTimes(session, minutes) {
  if (!session?.open_time) return [];
  const { open_time: open, close_time: close, break_start_time: pause, break_end_time: again } = session;
  const segments = pause
    ? [
        [open, pause],
        [again, close],
      ]
    : [[open, close]];
  const step = minutes * 60_000_000;
  return segments.flatMap(([start, end]) =>
    Array.from({ length: Math.ceil((end - start) / step) }, (_, place) => start + place * step),
  );
}

export function inOrder(marks) {
  return marks.sort((one, other) => one.index - other.index);
}
