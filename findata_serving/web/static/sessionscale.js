// The time axis of an exchange: instants stay UTC, days and hours are the exchange's own. Nights, breaks and weekends take
// no room, because the axis has a place for each candle (or expected candle) and none between.
// What belongs here: which place of the axis begins a year, month, day or hour, and how it is written.

import { defaultHorzScaleBehavior } from "./vendor/lightweight-charts/lightweight-charts.js";
import { dayOfMonthIn, instantIn, dateIn, monthIn, timeIn, weekdayIn, MICROSECONDS } from "./format.js";

// The library's own weights of tick marks (TickMarkWeight) and kinds of labels (TickMarkType).
const YEAR = 70,
  MONTH = 60,
  DAY = 50,
  LESS_THAN_A_SECOND = 0;
const WITHIN_A_DAY = [
  [720, 33],
  [360, 32],
  [180, 31],
  [60, 30],
  [30, 22],
  [5, 21],
  [1, 20],
]; // minutes, weight
const LABEL_YEAR = 0,
  LABEL_MONTH = 1,
  LABEL_DAY = 2;

/** Offsets of a zone from UTC, in minutes, asked of the browser once an hour of data. */
class Zone {
  constructor(name) {
    this.name = name;
    this.offsets = new Map();
    this.format = new Intl.DateTimeFormat("en-GB", {
      timeZone: name,
      hourCycle: "h23",
      year: "numeric",
      month: "numeric",
      day: "numeric",
      hour: "numeric",
      minute: "numeric",
    });
  }

  /** The zone's wall clock at an instant in seconds, as a Date whose UTC fields are the wall's. */
  wall(seconds) {
    const hour = Math.floor(seconds / 3600);
    if (!this.offsets.has(hour)) this.offsets.set(hour, this.offsetMinutes(hour * 3600));
    return new Date((seconds + this.offsets.get(hour) * 60) * 1000);
  }

  offsetMinutes(seconds) {
    const said = Object.fromEntries(
      this.format.formatToParts(new Date(seconds * 1000)).map((part) => [part.type, Number(part.value)]),
    );
    return (Date.UTC(said.year, said.month - 1, said.day, said.hour, said.minute) / 1000 - seconds) / 60;
  }
}

/** What a place begins, seen from the one before it: both are wall clocks. */
function weight(now, before) {
  if (now.getUTCFullYear() !== before.getUTCFullYear()) return YEAR;
  if (now.getUTCMonth() !== before.getUTCMonth()) return MONTH;
  if (now.getUTCDate() !== before.getUTCDate()) return DAY;
  const [minutesNow, minutesBefore] = [now, before].map((wall) => Math.floor(wall.getTime() / 60_000));
  const found = WITHIN_A_DAY.find(([width]) => Math.floor(minutesNow / width) !== Math.floor(minutesBefore / width));
  return found ? found[1] : LESS_THAN_A_SECOND;
}

export class SessionScale extends defaultHorzScaleBehavior() {
  constructor() {
    super();
    this.useZone("UTC");
  }

  useZone(name) {
    this.zone = new Zone(name);
  }

  fillWeightsForPoints(points, startIndex) {
    const wallOf = (point) => this.zone.wall(this.key(point.time));
    let before = startIndex > 0 ? wallOf(points[startIndex - 1]) : null;
    for (let index = startIndex; index < points.length; index += 1) {
      const now = wallOf(points[index]);
      points[index].timeWeight = before ? weight(now, before) : DAY;
      before = now;
    }
  }
}

/** Labels of ticks and of the crosshair for a scale in a zone; `isIntraday` says whether hours mean anything. */
export function labels(zone, isIntraday) {
  const tick = (seconds, kind) => {
    const instant = seconds * MICROSECONDS;
    if (kind === LABEL_YEAR) return dateIn(instant, zone).slice(0, 4);
    if (kind === LABEL_MONTH) return monthIn(instant, zone);
    if (kind === LABEL_DAY)
      return isIntraday
        ? dayOfMonthIn(instant, zone)
        : `${Number(dateIn(instant, zone).slice(8))} ${monthIn(instant, zone)}`;
    return timeIn(instant, zone);
  };
  const crosshair = (seconds) => {
    const instant = seconds * MICROSECONDS;
    return isIntraday ? instantIn(instant, zone) : `${weekdayIn(instant, zone)} ${dateIn(instant, zone)}`;
  };
  return { tick, crosshair };
}
