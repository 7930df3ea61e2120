"use strict";
// Numbers as text, tables and lines. All text of others is set as text, never as HTML.

const byId = id => document.getElementById(id);
const SVG = "http://www.w3.org/2000/svg";
const NONE = "–";

const number = (value, digits = 0) => value == null ? NONE : value.toLocaleString("en", {minimumFractionDigits: digits, maximumFractionDigits: digits});
const ms = value => value == null ? NONE : number(value, value < 10 ? 1 : 0);
// A percentile in the first bucket or above the last is only known to be in it.
const percentile = value => value == null ? NONE : value <= 5 ? "≤ 5" : value >= 10000 ? "> 10,000" : number(value);
const percent = (value, digits = 1) => value == null ? NONE : `${number(100 * value, digits)} %`;
const clock = seconds => seconds == null ? NONE : new Date(1000 * seconds).toLocaleTimeString("en-GB");

function element(name, text, className) {
  const made = document.createElement(name);
  made.textContent = text;
  if (className) made.className = className;
  return made;
}

function cell(name, role, text, className) {
  const made = element(name, text, className);
  made.setAttribute("role", role);  // a phone shows rows as blocks, which would no longer be rows
  return made;
}

function row(cells, className) {
  const made = document.createElement("tr");
  made.setAttribute("role", "row");
  if (className) made.className = className;
  made.append(...cells);
  return made;
}

// A column: heading, value of a row, and the class of its cells. The first column is the heading of its row. Columns
// without any value are left out; returns those that are shown.
function draw(id, columns, rows, empty) {
  const table = document.querySelector(`#${id} table`);
  table.setAttribute("role", "table");
  if (!rows.length) {
    table.replaceChildren(row([cell("td", "cell", empty, "empty")]));
    return [];
  }
  const shown = columns.filter(([, value]) => rows.some(values => value(values) !== NONE));
  const head = row(shown.map(([heading, , className]) => {
    const made = cell("th", "columnheader", heading, typeof className === "string" ? className : "");
    made.scope = "col";
    return made;
  }), "head");
  const body = rows.map(values => row(shown.map(([heading, value, className], place) => {
    const kind = typeof className === "function" ? className(values) : className;
    const made = place ? cell("td", "cell", value(values), kind) : cell("th", "rowheader", value(values), kind);
    if (place) made.dataset.label = heading; else made.scope = "row";
    return made;
  })));
  table.replaceChildren(head, ...body);
  return shown.map(([heading]) => heading);
}

function facts(list, pairs) {
  list.replaceChildren(...pairs.flatMap(([name, value]) => [element("dt", name), element("dd", value)]));
}

function path(d, className) {
  const made = document.createElementNS(SVG, "path");
  made.setAttribute("d", d);
  if (className) made.setAttribute("class", className);
  return made;
}

// A line of the last ten minutes, the newest value at the right. `limit` is drawn across, `bars` as bars from the ground.
function line(id, label, values, {limit = 0, bars = []} = {}) {
  const top = Math.max(limit, ...values, 0) || 1;
  const x = place => place + 120 - values.length, y = value => 29 - 27 * value / top;
  let d = "", isDrawing = false;
  values.forEach((value, place) => {
    if (value != null) d += `${isDrawing ? "L" : "M"}${x(place)},${y(value).toFixed(2)}`;
    isDrawing = value != null;
  });
  const drawn = [path(d || "M0,29")];
  const tall = bars.flatMap((value, place) => value ? [`M${x(place)},29V${y(Math.max(value, top / 8)).toFixed(2)}`] : []);
  if (tall.length) drawn.push(path(tall.join(""), "bad"));
  if (limit) drawn.push(path(`M0,${y(limit)}H120`, "max"));
  const svg = byId(id);
  svg.replaceChildren(...drawn);
  svg.setAttribute("aria-label", `${label}, last ten minutes`);
}
