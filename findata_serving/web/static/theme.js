// Dark or light, before anything is drawn: a classic script, so that the page does not flash. The rest is in app.js.
(() => {
  let kept = null;
  try {
    kept = localStorage.getItem("findata.theme");
  } catch {
    /* a browser that keeps nothing follows the system */
  }
  const system = matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
  document.documentElement.dataset.theme = kept || system;
})();
