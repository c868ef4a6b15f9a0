// Finding an instrument: a box with a list under it, by keyboard or pointer. What belongs here: the box.

import { rows } from "./api.js";
import { byId, el, fill } from "./dom.js";

const MOST = 12;
const PAUSE_MILLISECONDS = 120;

export class Search {
  constructor(onchoose) {
    this.box = byId("search-box");
    this.list = byId("search-list");
    this.onchoose = onchoose;
    this.found = [];
    this.active = -1;
    this.box.addEventListener("input", () => this.later());
    this.box.addEventListener("focus", () => this.later());
    this.box.addEventListener("keydown", (event) => this.key(event));
    this.box.addEventListener("blur", () => this.close());
  }

  focus() {
    this.box.focus();
    this.box.select();
  }

  later() {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.look(), PAUSE_MILLISECONDS);
  }

  async look() {
    this.asked?.abort();
    this.asked = new AbortController();
    const q = this.box.value.trim();
    try {
      const found = await rows("/v1/instruments", { q, limit: MOST }, { signal: this.asked.signal, pages: 1 });
      if (document.activeElement !== this.box) return;
      this.show(found);
      this.list.dataset.asked = q; // for programs: which answer is shown
    } catch (error) {
      if (error.name !== "AbortError") this.tell(`${error.message} ${error.nextStep ?? ""}`);
    }
  }

  show(found) {
    this.found = found;
    this.activate(found.length ? 0 : -1);
    if (!found.length) this.tell(`No instrument is called like “${this.box.value.trim()}”`);
  }

  tell(text) {
    this.found = [];
    this.active = -1;
    fill(this.list, el("li", { class: "quiet", role: "presentation" }, text));
    this.open(true);
  }

  activate(index) {
    this.active = index;
    fill(
      this.list,
      this.found.map((item, place) => this.option(item, place)),
    );
    this.open(this.found.length > 0);
    const chosen = this.list.children[index];
    if (chosen) this.box.setAttribute("aria-activedescendant", chosen.id);
    else this.box.removeAttribute("aria-activedescendant");
    chosen?.scrollIntoView({ block: "nearest" });
  }

  option(item, place) {
    // The pointer must not take the focus away before the click has been heard.
    const take = (event) => {
      event.preventDefault();
      this.choose(place);
    };
    const attributes = {
      id: `search-${place}`,
      role: "option",
      "aria-selected": String(place === this.active),
      onmousedown: take,
    };
    return el(
      "li",
      attributes,
      el("b", {}, item.symbol ?? item.instrument_id),
      el("span", {}, item.instrument_id),
      el("span", { class: "quiet" }, item.currency ?? ""),
    );
  }

  key(event) {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step && this.found.length) {
      event.preventDefault();
      this.activate((this.active + step + this.found.length) % this.found.length);
    } else if (event.key === "Enter") {
      event.preventDefault();
      this.choose(this.active);
    } else if (event.key === "Escape") {
      this.box.blur();
    }
  }

  choose(place) {
    const item = this.found[place];
    if (!item) return;
    this.box.value = "";
    this.box.blur();
    this.onchoose(item.instrument_id);
  }

  open(isOpen) {
    this.list.hidden = !isOpen;
    this.box.setAttribute("aria-expanded", String(isOpen));
  }

  close() {
    clearTimeout(this.timer);
    this.asked?.abort();
    this.open(false);
  }
}
