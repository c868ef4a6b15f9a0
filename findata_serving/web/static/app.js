// The page's beginning: state, pages, keys, theme, the question for a key. What belongs here: who hears of what.

import { onUnauthorized } from "./api.js";
import { ChartPage } from "./chartpage.js";
import { byId, el, fill } from "./dom.js";
import { RatesPage } from "./rates.js";
import { Search } from "./search.js";
import { hold, INTERVALS } from "./state.js";

const state = hold((now, before) => show(now, before));
const chartPage = new ChartPage(state);
const ratesPage = new RatesPage(state);
const search = new Search((instrument) =>
  state.set({ page: "chart", instrument, at: "", from: "", to: "", as_of: "", source: "" }),
);

function show(now, before) {
  const isRates = now.page === "rates";
  byId("chart-page").hidden = isRates;
  byId("rates-page").hidden = !isRates;
  for (const page of ["chart", "rates"]) {
    const isCurrent = page === now.page;
    byId(`to-${page}`).toggleAttribute("data-current", isCurrent);
    if (isCurrent) byId(`to-${page}`).setAttribute("aria-current", "page");
    else byId(`to-${page}`).removeAttribute("aria-current");
  }
  if (isRates) chartPage.leave();
  (isRates ? ratesPage : chartPage).show(now, before?.page === now.page ? before : null);
}

function switchTheme() {
  const theme = document.documentElement.dataset.theme === "dark" ? "light" : "dark";
  document.documentElement.dataset.theme = theme;
  try {
    localStorage.setItem("findata.theme", theme);
  } catch {
    /* a browser that keeps nothing asks the system again */
  }
  recolour();
}

function recolour() {
  chartPage.recolour();
  ratesPage.recolour();
}

function stepInterval(by) {
  const place = INTERVALS.indexOf(state.get().interval) + by;
  if (INTERVALS[place]) state.set({ interval: INTERVALS[place], source: "", at: "", from: "", to: "" });
}

const KEYS = [
  ["/", "search an instrument", () => search.focus()],
  ["[", "narrower interval", () => stepInterval(-1)],
  ["]", "wider interval", () => stepInterval(1)],
  [",", "back to what was known before", () => chartPage.asOf.step(-1)],
  [".", "forward in what was known", () => chartPage.asOf.step(1)],
  ["n", "now", () => state.set({ as_of: "" })],
  ["l", "levels on or off", () => state.set({ levels: state.get().levels === "on" ? "off" : "on" })],
  ["t", "figures as a table", () => chartPage.toggleFigures()],
  ["c", "charts", () => state.set({ page: "chart" })],
  ["r", "rates", () => state.set({ page: "rates" })],
  ["d", "dark or light", switchTheme],
  ["?", "these keys", showKeys],
  ["Esc", "close what is open", null],
  ["← →", "in the chart: choose a candle; Enter shows where it comes from", null],
  ["+ −", "in the chart: nearer, farther; Home and End: first and last candle", null],
];

function showKeys() {
  fill(
    byId("keys-table"),
    el(
      "tbody",
      {},
      KEYS.map(([key, words]) => el("tr", {}, el("td", {}, el("kbd", {}, key)), el("td", {}, words))),
    ),
  );
  byId("keys").showModal();
}

function pressed(event) {
  if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest("input, select, textarea, dialog")) return;
  if (event.key === "Escape") return chartPage.selection.close();
  const found = KEYS.find(([key, , act]) => act && key === event.key);
  if (!found) return;
  event.preventDefault();
  found[2]();
}

/** Ask for an API key, once for all requests that are refused meanwhile. */
let asking = null;
function askForKey(problem) {
  asking ??= new Promise((resolve) => {
    const dialog = byId("ask-key");
    byId("ask-key-why").textContent = problem.message;
    byId("ask-key-value").value = "";
    dialog.addEventListener(
      "close",
      () => {
        asking = null;
        resolve(dialog.returnValue === "use" ? byId("ask-key-value").value.trim() : null);
      },
      { once: true },
    );
    dialog.returnValue = "";
    dialog.showModal();
  });
  return asking;
}

onUnauthorized(askForKey);
addEventListener("keydown", pressed);
byId("theme").addEventListener("click", switchTheme);
byId("help").addEventListener("click", showKeys);
byId("skip").addEventListener("click", (event) => {
  event.preventDefault();
  byId("chart").focus();
});
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", (system) => {
  let kept = null;
  try {
    kept = localStorage.getItem("findata.theme");
  } catch {
    /* follows the system */
  }
  if (kept) return;
  document.documentElement.dataset.theme = system.matches ? "dark" : "light";
  recolour();
});
show(state.get(), null);
