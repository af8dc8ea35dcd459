"use strict";
for (const run of document.querySelectorAll("article")) {
  const picker = run.querySelector(".picker");
  if (!picker) continue;
  const { gates, times, unit, heats } = JSON.parse(run.querySelector("script").textContent);
  const { gate, index, before, after, none } = picker.elements;
  const about = picker.querySelector("output"), line = picker.querySelector("polyline");
  const levels = (heats || []).map((h) => Uint8Array.from(atob(h.levels || ""), (c) => c.charCodeAt(0)));
  const ns = "http://www.w3.org/2000/svg";
  picker.hidden = false;
  picker.addEventListener("submit", (e) => e.preventDefault());

  // The participation of a player at each time, null once it is removed.
  const courseOf = (g, i) => {
    const n = gates[g].players;
    return levels[g] && levels[g].length ? times.map((_, t) => levels[g][t * n + i]).map((l) => (l ? (l - 1) / 254 : null)) : [];
  };

  const clear = () => {
    run.querySelectorAll(".selected").forEach((e) => e.classList.remove("selected"));
    run.querySelectorAll(".marker").forEach((e) => e.remove());
    line.setAttribute("points", "");
  };

  const select = (g, i) => {
    if (!(g >= 0 && g < gates.length)) return;
    i = Math.max(0, Math.min(gates[g].players - 1, i | 0));
    clear();
    gate.value = g;
    index.value = i;
    index.max = gates[g].players - 1;
    const name = g + ":" + i;
    for (const e of run.querySelectorAll('[data-player="' + name + '"]')) {
      e.classList.add("selected");
      if (e.tagName === "circle" || e.tagName === "path") e.parentNode.append(e); // above the others
    }
    run.querySelectorAll('[data-gate="' + g + '"]').forEach((e) => e.classList.add("selected"));
    let words = "Player " + gates[g].name + ":" + i;
    const row = run.querySelector('#' + run.id + '-worth tr[data-player="' + name + '"]');
    if (row) {
      const heads = [...row.closest("table").querySelectorAll("thead th")].map((h) => h.textContent);
      words += [...row.children].slice(1).map((c, k) => "; " + heads[k + 1] + " " + c.textContent).join("");
    }
    const course = courseOf(g, i);
    const there = course.map((s, t) => [s, t]).filter(([s]) => s !== null);
    if (there.length) {
      const [s, t] = there[there.length - 1];
      words += "; in " + unit + " " + times[t] + " it participated by " + s.toFixed(2);
      const wide = Math.max(1, course.length - 1);
      line.setAttribute("points", there.map(([s, t]) => (120 * t) / wide + "," + (28 - 26 * s)).join(" "));
    }
    about.textContent = words + ".";
    const image = run.querySelector('[data-heat="' + g + '"]');
    const place = heats && heats[g] && heats[g].order ? heats[g].order.indexOf(i) : -1;
    if (image && place >= 0) {
      const [x, y, w, h] = ["x", "y", "width", "height"].map((a) => Number(image.getAttribute(a)));
      const mark = document.createElementNS(ns, "line");
      const at = y + ((place + 0.5) / gates[g].players) * h;
      for (const [k, v] of Object.entries({ class: "marker", x1: x, x2: x + w, y1: at, y2: at })) mark.setAttribute(k, v);
      image.parentNode.append(mark);
    }
  };

  const chosen = () => select(Number(gate.value), Number(index.value));
  gate.addEventListener("change", chosen);
  index.addEventListener("change", chosen);
  before.addEventListener("click", () => select(Number(gate.value), Number(index.value) - 1));
  after.addEventListener("click", () => select(Number(gate.value), Number(index.value) + 1));
  none.addEventListener("click", () => {
    clear();
    about.textContent = "No player is selected.";
  });
  run.addEventListener("click", (e) => {
    const mark = e.target.closest("[data-player]");
    if (mark && mark.dataset.player) return select(...mark.dataset.player.split(":").map(Number));
    const g = e.target.dataset.heat;
    if (g === undefined || !heats[g].order) return;
    const box = e.target.getBoundingClientRect();
    const row = Math.floor(((e.clientY - box.top) / box.height) * heats[g].order.length);
    select(Number(g), heats[g].order[Math.max(0, Math.min(heats[g].order.length - 1, row))]);
  });
}
