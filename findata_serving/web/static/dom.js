// Building elements. What belongs here: making and replacing nodes, always by text, never by markup from outside.

/** Make an element: el("p", {class: "x", onclick: f}, "text", child, ...). null children are left out. */
export function el(name, attributes = {}, ...children) {
  const node = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (key.startsWith("on")) node.addEventListener(key.slice(2), value);
    else node.setAttribute(key, value === true ? "" : String(value));
  }
  node.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined));
  return node;
}

/** Put children in the place of whatever a node holds. */
export function fill(node, ...children) {
  node.replaceChildren(...children.flat(Infinity).filter((child) => child !== null && child !== undefined));
  return node;
}

export function byId(id) {
  return document.getElementById(id);
}

/** A table of text with a header; `numbers` names the columns that stand to the right. */
export function table(caption, headers, rows, numbers = []) {
  const aligned = (index) => (numbers.includes(headers[index]) ? { class: "number" } : {});
  return el(
    "table",
    {},
    el("caption", {}, caption),
    el(
      "thead",
      {},
      el(
        "tr",
        {},
        headers.map((text, index) => el("th", { scope: "col", ...aligned(index) }, text)),
      ),
    ),
    el(
      "tbody",
      {},
      rows.map((row) =>
        el(
          "tr",
          {},
          row.map((cell, index) => el("td", aligned(index), cell)),
        ),
      ),
    ),
  );
}

/** A list of terms and what they are; lines whose value is null are left out. */
export function terms(...lines) {
  const shown = lines.filter(([, value]) => value !== null && value !== undefined && value !== "");
  return el("dl", { class: "terms" }, shown.map(([name, value]) => [el("dt", {}, name), el("dd", {}, value)]).flat());
}

/** A link or a button that reads as text of the line. */
export function button(text, onclick, attributes = {}) {
  return el("button", { type: "button", onclick, ...attributes }, text);
}
