// The candles of one instrument on a canvas. What belongs here: the library, its series and markers, what is under the
// pointer. What does not: asking for figures (chartpage.js), drawing of our own (drawings.js).

import {
  CandlestickSeries,
  createChartEx,
  createSeriesMarkers,
  CrosshairMode,
  HistogramSeries,
} from "./vendor/lightweight-charts/lightweight-charts.js";
import { boundaries, chosen, levelLabels, levels, stretches } from "./drawings.js";
import { MICROSECONDS, short } from "./format.js";
import { labels, SessionScale } from "./sessionscale.js";

const TEXT_WIDTH = 34; // pixels of a marker's text
const FEWEST = 24; // places in view, however few there are
const NAMES = [
  "paper",
  "ink",
  "muted",
  "line",
  "rise",
  "fall",
  "rise-volume",
  "fall-volume",
  "day",
  "break",
  "missing",
  "partial",
  "quarantined",
  "support",
  "resistance",
  "pivot",
  "chosen",
  "differs",
];

/** The colours of the style sheet, as they are in force. */
export function colours() {
  const style = getComputedStyle(document.documentElement);
  return Object.fromEntries(NAMES.map((name) => [name.replace("-", "_"), style.getPropertyValue(`--${name}`).trim()]));
}

export class CandleChart {
  constructor(host) {
    this.rows = [];
    this.scale = new SessionScale();
    this.palette = colours();
    this.chart = createChartEx(host, this.scale, { autoSize: true, ...look(this.palette) });
    this.candles = this.chart.addSeries(CandlestickSeries, { priceLineVisible: false });
    this.volume = this.chart.addSeries(HistogramSeries, volumeOptions(), 1);
    const [prices, volumes] = this.chart.panes();
    prices.setStretchFactor(5);
    volumes.setStretchFactor(1);
    this.markers = createSeriesMarkers(this.candles, []);
    this.addLayers(() => this.palette);
    this.recolour();
  }

  addLayers(palette) {
    const both = (make) =>
      [this.candles, this.volume].map((series) => {
        const layer = make(palette);
        series.attachPrimitive(layer);
        return layer;
      });
    this.stretchLayers = both(stretches);
    this.boundaryLayers = both(boundaries);
    this.chosenLayers = both(chosen);
    this.levelLayers = [levels, levelLabels].map((make) => make(palette));
    this.levelLayers.forEach((layer) => this.candles.attachPrimitive(layer));
  }

  /** Draw again in the colours that are in force. */
  recolour() {
    this.palette = colours();
    this.chart.applyOptions(look(this.palette));
    const { rise, fall } = this.palette;
    this.candles.applyOptions({
      upColor: rise,
      downColor: fall,
      borderVisible: false,
      wickUpColor: rise,
      wickDownColor: fall,
    });
    if (this.rows.length) this.volume.setData(this.volumeData());
  }

  /** Show rows (each place of the axis, also those without a candle) of an exchange's zone. */
  show(rows, { zone, isIntraday, decimals, keepsView }) {
    const kept = keepsView ? this.viewByTime() : null;
    this.rows = rows;
    this.scale.useZone(zone);
    const { tick, crosshair } = labels(zone, isIntraday);
    this.chart.applyOptions({
      timeScale: { timeVisible: isIntraday, secondsVisible: false, tickMarkFormatter: tick },
      localization: { timeFormatter: crosshair },
    });
    this.candles.applyOptions({ priceFormat: { type: "price", precision: decimals, minMove: 10 ** -decimals } });
    this.candles.setData(rows.map(candle));
    this.volume.setData(this.volumeData());
    if (kept) this.keepView(kept);
  }

  /** The part of the axis in view by instants, since places may be others in a moment. */
  viewByTime() {
    const view = this.view();
    if (!view || !this.rows.length) return null;
    const last = Math.min(Math.max(Math.floor(view.to), 0), this.rows.length - 1);
    return {
      time: this.rows[last].event_time,
      beyond: view.to - last,
      width: view.to - view.from,
      isAtEnd: view.to >= this.rows.length - 1,
    };
  }

  keepView({ time, beyond, width, isAtEnd }) {
    const place = this.rows.findLastIndex((row) => row.event_time <= time);
    const to = (isAtEnd || place < 0 ? this.rows.length - 1 : place) + beyond;
    this.chart.timeScale().setVisibleLogicalRange({ from: to - width, to });
  }

  volumeData() {
    const { rise_volume: rise, fall_volume: fall } = this.palette;
    return this.rows.map((row) =>
      row.close === null
        ? { time: seconds(row) }
        : { time: seconds(row), value: row.volume, color: row.close >= row.open ? rise : fall },
    );
  }

  showLevels(drawn) {
    this.levelLayers.forEach((layer) => layer.show(drawn));
  }

  showBoundaries(drawn) {
    this.boundaryLayers.forEach((layer) => layer.show(drawn));
  }

  showStretches(drawn) {
    this.stretchLayers.forEach((layer) => layer.show(drawn));
  }

  /** Markers of signals and differences: {index, above, shape, colour (a name), text}. */
  showMarkers(marks) {
    const room = TEXT_WIDTH / this.chart.timeScale().options().barSpacing;
    const last = { true: -Infinity, false: -Infinity };
    this.markers.setMarkers(
      marks.map((mark) => {
        // A text has room only where the one before it on the same side is far enough away.
        const hasRoom = mark.index - last[mark.above] >= room;
        if (mark.text && hasRoom) last[mark.above] = mark.index;
        return {
          time: seconds(this.rows[mark.index]),
          position: mark.above ? "aboveBar" : "belowBar",
          shape: mark.shape,
          color: this.palette[mark.colour],
          text: hasRoom ? mark.text : "",
          size: mark.size ?? 1,
        };
      }),
    );
  }

  choose(index) {
    this.chosenLayers.forEach((layer) => layer.show(index ?? null));
    if (index !== null && index !== undefined) this.reveal(index);
  }

  /** Move the view so that a place can be seen. */
  reveal(index) {
    const view = this.view();
    if (!view || (index >= view.from && index <= view.to)) return;
    const width = view.to - view.from;
    this.chart.timeScale().setVisibleLogicalRange({ from: index - width / 2, to: index + width / 2 });
  }

  view() {
    return this.chart.timeScale().getVisibleLogicalRange();
  }

  /** Show places [from, to], both inclusive. */
  zoom(from, to) {
    this.chart.timeScale().setVisibleLogicalRange({ from: from - 0.5, to: to + 0.5 });
  }

  /** Show the last candles that fit with a width at which they can be told apart. */
  showEnd() {
    const width = this.chart.timeScale().width();
    const fit = Math.max(20, Math.floor(width / 7));
    // A handful of candles stands in the middle instead of filling the picture.
    const spare = Math.max(FEWEST - this.rows.length, 0) / 2;
    this.zoom(Math.max(this.rows.length - fit, 0) - spare, this.rows.length + Math.max(spare, 1));
  }

  onClick(handle) {
    this.chart.subscribeClick(({ logical }) => this.hit(logical, handle));
  }

  onHover(handle) {
    this.chart.subscribeCrosshairMove(({ logical, point }) => this.hit(point ? logical : null, handle));
  }

  onView(handle) {
    this.chart.timeScale().subscribeVisibleLogicalRangeChange(handle);
  }

  hit(logical, handle) {
    const index = logical === null || logical === undefined ? null : Math.round(logical);
    handle(index !== null && index >= 0 && index < this.rows.length ? index : null);
  }

  /** Where a place is on the page, for who wants to click on it. */
  coordinate(index) {
    return this.chart.timeScale().logicalToCoordinate(index);
  }
}

const seconds = (row) => row.event_time / MICROSECONDS;

function candle(row) {
  if (row.close === null) return { time: seconds(row) };
  return { time: seconds(row), open: row.open, high: row.high, low: row.low, close: row.close };
}

function volumeOptions() {
  return {
    priceFormat: { type: "custom", formatter: short, minMove: 1 },
    lastValueVisible: false,
    priceLineVisible: false,
  };
}

/** The look of a chart in a palette; the library's own logo would need inline style, its link stands in the page's foot. */
export function look(palette) {
  return {
    layout: {
      background: { type: "solid", color: palette.paper },
      textColor: palette.muted,
      fontSize: 12,
      fontFamily: "system-ui, sans-serif",
      attributionLogo: false,
      panes: { separatorColor: palette.line, separatorHoverColor: palette.line, enableResize: false },
    },
    grid: { vertLines: { visible: false }, horzLines: { color: palette.line } },
    crosshair: { mode: CrosshairMode.Normal },
    rightPriceScale: { borderColor: palette.line, minimumWidth: 64 },
    timeScale: { borderColor: palette.line, rightOffset: 2, minBarSpacing: 0.6 },
    handleScale: { axisPressedMouseMove: { time: true, price: true } },
  };
}
