// What the page shows, kept in the address after #: a view can be bookmarked and shared. What belongs here: reading,
// writing and defaults of the state. What does not: showing it.

export const INTERVALS = ["1m", "5m", "15m", "30m", "1h", "4h", "1d", "1w", "1mo"];
export const VARIANTS = ["traditional", "classic", "fibonacci", "woodie_open", "woodie_close", "camarilla", "demark"];
export const KINDS = ["breakout", "crossing", "touch"];
export const ADJUSTMENTS = ["none", "split", "all"];

const DEFAULTS = {
  page: "chart",
  instrument: "",
  interval: "5m",
  source: "",
  variant: "traditional",
  levels: "on",
  signals: "breakout",
  adjust: "none",
  as_of: "",
  at: "",
  from: "",
  to: "",
  rate: "",
};
const ALLOWED = {
  page: ["chart", "rates"],
  interval: INTERVALS,
  variant: VARIANTS,
  adjust: ADJUSTMENTS,
  levels: ["on", "off"],
};

/** Return the state that a hash says; what is unknown or not allowed is the default. */
export function parse(hash) {
  const [page, query = ""] = hash.replace(/^#\/?/, "").split("?", 2);
  const given = Object.fromEntries(new URLSearchParams(query));
  const state = { ...DEFAULTS };
  for (const [key, value] of Object.entries({ ...given, page: page || "chart" })) {
    if (key in DEFAULTS && (!ALLOWED[key] || ALLOWED[key].includes(value))) state[key] = value;
  }
  return state;
}

/** Return the hash of a state; defaults are left out. */
export function hashOf(state) {
  const query = new URLSearchParams();
  for (const [key, value] of Object.entries(state)) {
    if (key !== "page" && key in DEFAULTS && value !== DEFAULTS[key]) query.set(key, value);
  }
  const text = query.toString();
  return `#/${state.page}${text ? `?${text}` : ""}`;
}

/** Hold the state of a window: `get`, `set` (a new entry of the browser's history), `note` (the same entry). */
export function hold(onchange) {
  let current = parse(location.hash);
  addEventListener("hashchange", () => {
    const before = current;
    current = parse(location.hash);
    if (hashOf(current) !== hashOf(before)) onchange(current, before);
  });
  const change = (values, write) => {
    const before = current;
    current = { ...current, ...values };
    write(hashOf(current));
    return before;
  };
  return {
    get: () => current,
    set(values) {
      const before = change(values, (hash) => history.pushState(null, "", hash));
      if (hashOf(before) !== hashOf(current)) onchange(current, before);
    },
    note(values) {
      change(values, (hash) => history.replaceState(null, "", hash));
    },
  };
}
