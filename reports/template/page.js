// What the page adds where scripts run: the source of each number, switches for the series of a figure, and the way of
// one request. Without it everything is readable.
(() => {
  "use strict";
  const block = document.getElementById("sources");
  if (!block) return;
  const data = JSON.parse(block.textContent);
  const element = (tag, text = "", attributes = {}) => {
    const made = Object.assign(document.createElement(tag), { textContent: text });
    for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
    return made;
  };
  const short = (value) => (value === null ? "–" : Number(value.toPrecision(3)).toLocaleString("en"));
  const milliseconds = (value) => (value === null ? "not measured" : value >= 1000 ? `${short(value / 1000)} s` : `${short(value)} ms`);

  // Numbers: a line on hover or focus, and everything on a click.
  const note = element("div", "", { role: "tooltip", class: "tip", id: "tip", hidden: "" });
  const dialog = element("dialog", "", { class: "source", "aria-label": "Source of a number" });
  document.body.append(note, dialog);

  function line(id) {
    const found = data.findings[id];
    if (!found) return id === "published" ? "a value of the published report" : "";
    const interval = found.interval ? `, 95 % interval ${found.interval.map(short).join(" to ")}` : ", no interval";
    return `${id}: ${found.verdict}, n = ${found.n}, ${found.runs} runs${interval}`;
  }

  function show(target) {
    const text = line(target.dataset.source);
    if (!text) return;
    note.textContent = text;
    note.hidden = false;
    const place = target.getBoundingClientRect();
    const left = Math.min(place.left, document.documentElement.clientWidth - note.offsetWidth - 8);
    note.style.left = `${Math.max(8, left) + scrollX}px`;
    note.style.top = `${place.bottom + 4 + scrollY}px`;
  }

  function open(target) {
    const id = target.dataset.source, found = data.findings[id];
    if (!found) return;
    dialog.replaceChildren(element("h2", found.claim), element("p", `${line(id)}. ${found.evidence}`));
    if (found.query) dialog.append(element("p", "The values behind it, by run:"), code(found.query));
    dialog.append(element("p", "Compute it again from the recording:"), code(found.command));
    const close = element("button", "Close");
    close.addEventListener("click", () => dialog.close());
    dialog.append(close);
    note.hidden = true;
    dialog.showModal();
  }

  function code(text) {
    const pre = element("pre", "", { tabindex: "0" });
    pre.append(element("code", text));
    return pre;
  }

  // One tab stop for the numbers of a section; arrow keys move among them.
  const main = document.querySelector("main");
  const numbers = [...main.querySelectorAll(".n")].filter((each) => data.findings[each.dataset.source]);
  const groups = new Map();
  let section = main;
  for (const child of main.querySelectorAll("h2, .n")) {
    if (child.tagName === "H2") section = child;
    else if (numbers.includes(child)) groups.set(section, [...(groups.get(section) ?? []), child]);
  }
  for (const group of groups.values()) {
    group.forEach((each, place) => {
      each.tabIndex = place ? -1 : 0;
      each.setAttribute("role", "button");
      each.setAttribute("aria-describedby", "tip");
      each.addEventListener("keydown", (event) => {
        const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
        const next = step && group[place + step];
        if (next) { next.focus(); event.preventDefault(); }
        if (event.key === "Enter" || event.key === " ") { open(each); event.preventDefault(); }
        if (event.key === "Escape") note.hidden = true;
      });
    });
  }
  for (const each of main.querySelectorAll(".n")) {
    each.addEventListener("pointerenter", () => show(each));
    each.addEventListener("pointerleave", () => (note.hidden = true));
    each.addEventListener("focus", () => show(each));
    each.addEventListener("blur", () => (note.hidden = true));
    if (data.findings[each.dataset.source]) each.addEventListener("click", () => open(each));
  }

  // Figures: switches for their series.
  for (const figure of main.querySelectorAll("figure")) {
    const names = [...new Set([...figure.querySelectorAll("[data-series]")].map((each) => each.dataset.series))];
    if (names.length < 2) continue;
    const switches = element("div", "", { class: "switches", role: "group", "aria-label": "Series of the figure" });
    for (const name of names) {
      const button = element("button", name, { type: "button", "aria-pressed": "true" });
      button.addEventListener("click", () => {
        const isOn = button.getAttribute("aria-pressed") === "false";
        button.setAttribute("aria-pressed", String(isOn));
        for (const each of figure.querySelectorAll("[data-series]"))
          if (each.dataset.series === name) each.style.display = isOn ? "" : "none";
      });
      switches.append(button);
    }
    figure.querySelector("figcaption").after(switches);
  }

  // The timeline: the way of one request, and the requests that held its worker while it waited.
  const timeline = document.getElementById("fig-timeline");
  if (timeline && data.bursts.length) timeline.append(microscope());

  function microscope() {
    const box = element("details", "", { class: "microscope" });
    const output = element("div", "", { role: "status" });
    const which = select("Set-up", data.bursts.map((burst, place) => [place, burst.label]));
    const request = select("Request", []);
    const fill = () => {
      const rows = data.bursts[which.value].requests;
      request.replaceChildren(...rows.map((row, place) => new Option(`${row[0]} ${row[1]}, sent at ${milliseconds(row[3])}`, place)));
      request.value = String(Math.floor(rows.length / 2));
      draw();
    };
    const draw = () => output.replaceChildren(...way(data.bursts[which.value], Number(request.value)));
    which.addEventListener("change", fill);
    request.addEventListener("change", draw);
    box.append(element("summary", "Look at one request"), which.parentElement, request.parentElement, output);
    fill();
    return box;
  }

  function select(label, options) {
    const wrapper = element("label", `${label} `), made = element("select");
    made.append(...options.map(([value, text]) => new Option(text, value)));
    wrapper.append(made);
    return made;
  }

  function way(burst, place) {
    const row = Object.fromEntries(burst.columns.map((name, i) => [name, burst.requests[place][i]]));
    const entered = row.queue_ms === null ? null : row.sent_ms + row.queue_ms;
    const pieces = [`Due at ${milliseconds(row.due_ms)}, sent at ${milliseconds(row.sent_ms)}, answered after ${milliseconds(row.latency_ms)}.`];
    pieces.push(`Waited ${milliseconds(row.queue_ms)} for worker ${row.worker === null ? "unknown" : row.worker}.`);
    const [worker, sent, queue, latency] = ["worker", "sent_ms", "queue_ms", "latency_ms"].map((name) => burst.columns.indexOf(name));
    const held = entered === null ? [] : burst.requests.filter((other, i) =>
      i !== place && other[worker] === row.worker && other[queue] !== null &&
      other[sent] + other[queue] < entered && other[sent] + other[latency] > row.sent_ms);
    if (held.length) {
      const named = held.slice(0, 12).map((other) => `${other[0]} ${other[1]}`).join(", ");
      pieces.push(`Meanwhile this worker served ${held.length} requests: ${named}${held.length > 12 ? ", …" : ""}.`);
    }
    const parts = burst.columns.filter((name) => name.endsWith("_ms") && !["due_ms", "sent_ms", "latency_ms", "queue_ms"].includes(name));
    pieces.push(`Then: ${parts.map((name) => `${name.replace("_ms", "")} ${milliseconds(row[name])}`).join(", ")}.`);
    return pieces.map((text) => element("p", text));
  }
})();
