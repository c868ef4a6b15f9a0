// Numbers and instants as people read them. What belongs here: words of one value. Instants are microseconds since
// 1970 in UTC, as the API gives them; zones are the exchanges' own.

export const MICROSECONDS = 1_000_000;

const formatters = new Map();

function formatter(zone, options) {
  const key = zone + JSON.stringify(options);
  if (!formatters.has(key)) {
    formatters.set(key, new Intl.DateTimeFormat("en-GB", { timeZone: zone, hourCycle: "h23", ...options }));
  }
  return formatters.get(key);
}

const DATE = { year: "numeric", month: "2-digit", day: "2-digit" };
const TIME = { hour: "2-digit", minute: "2-digit" };

function parts(microseconds, zone, options) {
  const found = formatter(zone, options).formatToParts(new Date(microseconds / 1000));
  return Object.fromEntries(found.map((part) => [part.type, part.value]));
}

/** "2022-06-01" of an instant in a zone. */
export function dateIn(microseconds, zone) {
  const { year, month, day } = parts(microseconds, zone, DATE);
  return `${year}-${month}-${day}`;
}

/** "09:35" of an instant in a zone. */
export function timeIn(microseconds, zone) {
  const { hour, minute } = parts(microseconds, zone, TIME);
  return `${hour}:${minute}`;
}

/** "Wed 2022-06-01 09:35" of an instant in a zone. */
export function instantIn(microseconds, zone) {
  return `${weekdayIn(microseconds, zone)} ${dateIn(microseconds, zone)} ${timeIn(microseconds, zone)}`;
}

export function weekdayIn(microseconds, zone) {
  return formatter(zone, { weekday: "short" }).format(new Date(microseconds / 1000));
}

export function dayOfMonthIn(microseconds, zone) {
  return `${weekdayIn(microseconds, zone)} ${formatter(zone, { day: "numeric" }).format(new Date(microseconds / 1000))}`;
}

export function monthIn(microseconds, zone) {
  return formatter(zone, { month: "short" }).format(new Date(microseconds / 1000));
}

/** RFC 3339 in UTC with microseconds, which is what the API takes. */
export function rfc3339(microseconds) {
  const seconds = Math.floor(microseconds / MICROSECONDS);
  const fraction = String(microseconds - seconds * MICROSECONDS).padStart(6, "0");
  return `${new Date(seconds * 1000).toISOString().slice(0, 19)}.${fraction}Z`;
}

/** Microseconds of RFC 3339 text, or null where it is none. More than six decimals are cut. */
export function microsecondsOf(text) {
  const found = /^(\d{4}-\d\d-\d\dT\d\d:\d\d(?::\d\d)?)(?:\.(\d+))?(Z|[+-]\d\d:\d\d)$/.exec(text ?? "");
  if (!found) return null;
  const milliseconds = Date.parse(found[1] + found[3]);
  if (Number.isNaN(milliseconds)) return null;
  return milliseconds * 1000 + Number((found[2] ?? "0").padEnd(6, "0").slice(0, 6));
}

/** "2022-06-01 13:35:07 UTC" of microseconds, or of RFC 3339 text. */
export function utc(instant) {
  const microseconds = typeof instant === "string" ? microsecondsOf(instant) : instant;
  if (microseconds === null || microseconds === undefined) return instant ? String(instant) : "unknown";
  return `${new Date(microseconds / 1000).toISOString().slice(0, 19).replace("T", " ")} UTC`;
}

/** How many decimals tell these prices apart: two, or four below two units. */
export function decimalsOf(prices) {
  const highest = prices.reduce((most, price) => (price === null ? most : Math.max(most, price)), 0);
  return highest > 0 && highest < 2 ? 4 : 2;
}

export function price(value, decimals = 2) {
  return value === null || value === undefined ? "–" : value.toFixed(decimals);
}

/** Every decimal that a number has, as the API gave it. */
export function exact(value) {
  return value === null || value === undefined ? "–" : String(value);
}

export function count(value) {
  return value === null || value === undefined ? "–" : value.toLocaleString("en-GB");
}

/** "1 row", "2 rows". */
export function some(value, noun) {
  return `${count(value)} ${noun}${value === 1 ? "" : "s"}`;
}

/** 12,345,678 as 12.35M: what fits on an axis. */
export function short(value) {
  if (value === null || value === undefined) return "–";
  for (const [size, letter] of [
    [1e9, "B"],
    [1e6, "M"],
    [1e3, "k"],
  ]) {
    if (Math.abs(value) >= size) return `${(value / size).toFixed(2)}${letter}`;
  }
  return String(value);
}

export function signed(value, decimals) {
  return `${value > 0 ? "+" : ""}${value.toFixed(decimals)}`;
}
