// Loading, empty and failed: what stands where figures would. What belongs here: these messages.

import { button, el, fill } from "./dom.js";

export function hideMessage(node) {
  node.hidden = true;
  fill(node);
}

export function showMessage(node, text, nextStep = null) {
  node.hidden = false;
  node.removeAttribute("role");
  fill(node, el("p", { class: "big" }, text), nextStep ? el("p", {}, nextStep) : null);
}

/** Show a problem in the server's words. `again`: what tries it again; `near`: what takes a near match. */
export function showProblem(node, problem, { again, near } = {}) {
  node.hidden = false;
  node.setAttribute("role", "alert");
  node.dataset.status = problem.status;
  const matches = problem.said?.near_matches ?? problem.said?.near ?? [];
  fill(
    node,
    el("p", { class: "big" }, problem.message),
    problem.nextStep ? el("p", {}, problem.nextStep) : null,
    matches.length && near
      ? el(
          "p",
          { class: "near" },
          "Near: ",
          matches.map((name) => button(nameOf(name), () => near(nameOf(name)))),
        )
      : null,
    again ? button("Try again", again) : null,
  );
}

const nameOf = (match) => (typeof match === "string" ? match : match.instrument_id);
