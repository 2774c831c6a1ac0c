/** The table of prompts: another metric, sorting, filtering; what is chosen stands in the address, so it can be kept. */
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const table = document.getElementById("table");
  const body = table.tBodies[0];
  const heads = [...table.tHead.rows[0].cells];
  const rows = [...body.rows];
  const form = document.getElementById("filters");
  const [search, metric, suite, tag, only] = ["search", "metric", "suite", "tag", "only"].map((id) => document.getElementById(id));
  const count = document.getElementById("count");
  const words = { n: "not applicable", u: "unscored", f: "failed" };
  const first = metric.value;
  const none = Number.POSITIVE_INFINITY;
  let sorted = "place";
  let up = true;

  const cells = rows.map((row) => ({
    models: [...row.querySelectorAll("[data-model]")],
    spread: row.querySelector("[data-spread]"),
    place: Number(row.dataset.place),
  }));
  const measure = () => data.measures[Number(metric.value)];
  const values = (i) => data.values[Number(metric.value)][cells[i].place];
  const number = (value) => typeof value === "number";
  const shown = (value, decimals) => (value === 0 ? 0 : value).toFixed(decimals).replace(/^-(0\.?0*)$/, "$1");

  function spread(i) {
    const known = values(i).filter(number);
    return known.length > 1 ? Math.max(...known) - Math.min(...known) : undefined;
  }

  /** Writes the chosen metric's values into the table. */
  function fill() {
    const { decimals, summary, better, guard } = measure();
    rows.forEach((_, i) => {
      cells[i].models.forEach((cell, m) => {
        const value = values(i)[m];
        const text = number(value) ? shown(value, guard ? 0 : decimals) : words[value] || "";
        cell.textContent = text;
        cell.classList.toggle("word", !number(value));
        cell.classList.toggle("bad", guard && value === 1);
      });
      if (!cells[i].spread) return; // of one model
      const wide = spread(i);
      cells[i].spread.textContent = wide === undefined ? "" : shown(wide, decimals);
    });
    document.getElementById("metric-note").textContent = `${summary}; ${better}.`;
  }

  function rank(i) {
    const row = rows[i];
    if (sorted === "spread") return spread(i) ?? none;
    if (sorted.startsWith("m") && sorted !== "missing") {
      const value = values(i)[Number(sorted.slice(1))];
      return number(value) ? value : none;
    }
    return Number(row.dataset[sorted]);
  }

  /** Rows without a value come last, whichever way. */
  function sort() {
    const order = rows.map((_, i) => i);
    const ranks = order.map(rank);
    order.sort((a, b) => {
      if ((ranks[a] === none) !== (ranks[b] === none)) return ranks[a] === none ? 1 : -1;
      return (up ? ranks[a] - ranks[b] : ranks[b] - ranks[a]) || a - b;
    });
    body.append(...order.map((i) => rows[i]));
    for (const head of heads) {
      if (head.dataset.sort === sorted) head.setAttribute("aria-sort", up ? "ascending" : "descending");
      else head.removeAttribute("aria-sort");
    }
  }

  function filter() {
    const wanted = search.value.toLowerCase().split(/\s+/).filter(Boolean);
    let left = 0;
    for (const row of rows) {
      const { text, flags, missing, failed } = row.dataset;
      const keep =
        wanted.every((word) => text.includes(word)) &&
        (!suite.value || row.dataset.suite === suite.value) &&
        (!tag.value || row.dataset.tags.split("\n").includes(tag.value)) &&
        (!only.value || Number({ flags, missing, failed }[only.value]) > 0);
      row.hidden = !keep;
      left += keep;
    }
    const all = rows.length === 1 ? "1 prompt" : `${rows.length} prompts`;
    count.textContent = left === rows.length ? all : `${left} of ${all}`;
  }

  function keep() {
    const chosen = new URLSearchParams();
    const put = (name, value, usual) => value !== usual && chosen.set(name, value);
    put("q", search.value, "");
    put("metric", `${measure().name}[${measure().backend}]`, `${data.measures[Number(first)].name}[${data.measures[Number(first)].backend}]`);
    put("suite", suite.value, "");
    put("tag", tag.value, "");
    put("only", only.value, "");
    put("sort", `${up ? "" : "-"}${sorted}`, "place");
    const text = chosen.toString();
    if (text || location.hash.includes("=")) history.replaceState(null, "", text ? `#${text}` : "#prompts");
  }

  function recall() {
    if (!location.hash.includes("=")) return;
    const chosen = new URLSearchParams(location.hash.slice(1));
    search.value = chosen.get("q") ?? "";
    const named = data.measures.findIndex((m) => `${m.name}[${m.backend}]` === chosen.get("metric"));
    metric.value = named < 0 ? first : String(named);
    for (const [box, name] of [[suite, "suite"], [tag, "tag"], [only, "only"]]) {
      const value = chosen.get(name) ?? "";
      box.value = [...box.options].some((option) => option.value === value) ? value : "";
    }
    const by = chosen.get("sort") ?? "place";
    up = !by.startsWith("-");
    sorted = heads.some((head) => head.dataset.sort === by.replace("-", "")) ? by.replace("-", "") : "place";
    document.getElementById("prompts").scrollIntoView();
  }

  for (const head of heads) {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...head.childNodes);
    head.append(button);
    button.addEventListener("click", () => {
      const again = sorted === head.dataset.sort;
      sorted = head.dataset.sort;
      up = again ? !up : sorted === "place" || (sorted.startsWith("m") && sorted !== "missing" && measure().better.startsWith("lower"));
      sort();
      keep();
    });
  }
  metric.addEventListener("change", () => { fill(); sort(); keep(); });
  for (const box of [search, suite, tag, only]) box.addEventListener("input", () => { filter(); keep(); });
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("reset", () => setTimeout(() => {
    sorted = "place";
    up = true;
    fill(); filter(); sort(); keep();
  }));
  document.addEventListener("keydown", (event) => {
    if (event.key === "/" && !event.target.closest("input, select, textarea") && !event.ctrlKey && !event.metaKey) {
      event.preventDefault();
      search.focus();
    }
  });
  recall();
  fill(); filter(); sort();
})();
