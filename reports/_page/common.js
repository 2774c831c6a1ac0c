"use strict";
document.documentElement.classList.add("scripted");

/** Dark or light by hand; without a choice the system's. A page from a disk may have no storage: then it is forgotten. */
(() => {
  const remember = (value) => {
    try {
      if (value === undefined) return localStorage.getItem("avbench-theme");
      localStorage.setItem("avbench-theme", value);
    } catch { /* storage is off */ }
    return null;
  };
  const root = document.documentElement;
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const known = remember();
  if (known === "dark" || known === "light") root.dataset.theme = known;
  document.getElementById("theme").addEventListener("click", () => {
    const now = root.dataset.theme || (dark.matches ? "dark" : "light");
    root.dataset.theme = now === "dark" ? "light" : "dark";
    remember(root.dataset.theme);
  });
})();

/** Paper has nothing to click on: what is folded lies open there, and is folded again after. */
(() => {
  let opened = [];
  addEventListener("beforeprint", () => {
    opened = [...document.querySelectorAll("details:not([open])")];
    for (const one of opened) one.open = true;
  });
  addEventListener("afterprint", () => {
    for (const one of opened) one.open = false;
  });
})();
