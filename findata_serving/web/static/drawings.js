// What is drawn on the panes beside candles: days, breaks, places without data, the week's levels, the chosen candle.
// What belongs here: canvas. What does not: where the figures come from (chartpage.js). Places are indices of the axis.

const LABEL_HEIGHT = 13;
const UNDER_THE_LEGEND = 24; // pixels

/** A layer of drawing on a series' pane. `paint(context, scope)` is called with media coordinates. */
class Layer {
  constructor(order, paint) {
    this.order = order;
    this.paint = paint;
    this.data = null;
  }

  attached({ chart, series, requestUpdate }) {
    Object.assign(this, { chart, series, requestUpdate });
  }

  detached() {
    this.chart = null;
  }

  show(data) {
    this.data = data;
    this.requestUpdate?.();
  }

  updateAllViews() {}

  paneViews() {
    const draw = (target) => {
      if (!this.data || !this.chart) return;
      target.useMediaCoordinateSpace(({ context, mediaSize }) => {
        context.save();
        this.paint(context, this.scope(mediaSize), this.data);
        context.restore();
      });
    };
    return [{ zOrder: () => this.order, renderer: () => ({ draw }) }];
  }

  scope({ width, height }) {
    const scale = this.chart.timeScale();
    const half = scale.options().barSpacing / 2;
    return {
      width,
      height,
      centre: (index) => scale.logicalToCoordinate(index),
      before: (index) => scale.logicalToCoordinate(index) - half,
      after: (index) => scale.logicalToCoordinate(index) + half,
      y: (price) => this.series.priceToCoordinate(price),
    };
  }
}

/** Vertical lines before places that begin a day ("day") or the part after a break ("break"). */
export function boundaries(colours) {
  return new Layer("bottom", (context, scope, data) => {
    for (const { index, kind } of data) {
      const x = Math.round(scope.before(index)) + 0.5;
      if (x < 0 || x > scope.width) continue;
      context.strokeStyle = colours()[kind];
      context.setLineDash(kind === "break" ? [2, 4] : []);
      context.beginPath();
      context.moveTo(x, 0);
      context.lineTo(x, scope.height);
      context.stroke();
    }
  });
}

/** Hatched stretches of places [first, last] where something is missing, doubted or set aside. */
export function stretches(colours) {
  return new Layer("bottom", (context, scope, data) => {
    for (const { first, last, kind } of data) {
      const left = Math.max(scope.before(first), 0);
      const right = Math.min(scope.after(last), scope.width);
      if (right <= left) continue;
      tint(context, left, Math.max(right - left, 2), scope.height, colours()[kind], kind === "missing");
    }
  });
}

/** Colour a stretch; hatch it too where there is nothing at all. */
function tint(context, left, width, height, colour, isHatched) {
  context.save();
  context.beginPath();
  context.rect(left, 0, width, height);
  context.clip();
  context.globalAlpha = 0.12;
  context.fillStyle = colour;
  context.fillRect(left, 0, width, height);
  context.globalAlpha = isHatched ? 0.4 : 0;
  context.strokeStyle = colour;
  context.beginPath();
  for (let x = left - height; x < left + width; x += 9) {
    context.moveTo(x, height);
    context.lineTo(x + height, 0);
  }
  context.stroke();
  context.restore();
}

/** Levels: lines over places [first, last] at a price; the grid, which is drawn over the bottom, would hide some. */
export function levels(colours) {
  return new Layer("normal", (context, scope, data) => {
    for (const { level, left, right, y } of seen(scope, data)) {
      line(context, left, right, Math.round(y) + 0.5, colours()[level.side], level.name === "pp");
    }
  });
}

/** The levels' labels, before the candles: at the right end of what can be seen of each line. */
export function levelLabels(colours) {
  return new Layer("top", (context, scope, data) => {
    context.font = "11px system-ui, sans-serif";
    context.textBaseline = "bottom";
    context.textAlign = "right";
    const taken = [];
    for (const { level, left, right, y } of seen(scope, data)) label(context, level, left, right, y, taken, colours());
  });
}

function* seen(scope, data) {
  for (const level of data) {
    const y = scope.y(level.price);
    const left = Math.max(scope.before(level.first), 0);
    const right = Math.min(scope.after(level.last), scope.width);
    if (y !== null && y >= 0 && y <= scope.height && right - left >= 1) yield { level, left, right, y };
  }
}

function line(context, left, right, y, colour, isCentre) {
  context.strokeStyle = colour;
  context.setLineDash(isCentre ? [] : [6, 3]);
  context.beginPath();
  context.moveTo(left, y);
  context.lineTo(right, y);
  context.stroke();
  context.setLineDash([]);
}

/** Write a label unless there is no room for it, or another one stands there. */
function label(context, level, left, right, y, taken, colours) {
  const width = context.measureText(level.text).width + 6;
  const box = { left: right - width, right, top: y - LABEL_HEIGHT, bottom: y };
  const meets = (other) =>
    box.left < other.right && other.left < box.right && box.top < other.bottom && other.top < box.bottom;
  if (right - left < width || box.top < UNDER_THE_LEGEND || taken.some(meets)) return;
  taken.push(box);
  context.fillStyle = colours.paper;
  context.globalAlpha = 0.75;
  context.fillRect(box.left, box.top, width, LABEL_HEIGHT - 1);
  context.globalAlpha = 1;
  context.fillStyle = colours[level.side];
  context.fillText(level.text, right - 3, y - 1);
}

/** The chosen candle: a column behind it. */
export function chosen(colours) {
  return new Layer("bottom", (context, scope, index) => {
    const left = scope.before(index) - 1;
    context.globalAlpha = 0.22;
    context.fillStyle = colours().chosen;
    context.fillRect(left, 0, scope.after(index) + 1 - left, scope.height);
  });
}
