"use strict";
// Draws the snapshots that /monitor/events sends. All text of others is set as text, never as HTML.

const byId = id => document.getElementById(id);
const SVG = "http://www.w3.org/2000/svg";
const LEVELS = {
  ok: "", notice: "over 70 % of the pool is in use", warning: "over 85 % of the pool is in use",
  critical: "over 95 % of the pool is in use",
};
const uses = [];
let isPaused = false, last = null, source = null;

const number = (value, digits = 0) => value == null ? "–" : value.toLocaleString("en", {minimumFractionDigits: digits, maximumFractionDigits: digits});
const ms = value => value == null ? "–" : number(value, value < 100 ? 1 : 0);
const percent = value => value == null ? "–" : `${number(100 * value, 1)} %`;
const clock = seconds => seconds == null ? "–" : new Date(1000 * seconds).toLocaleTimeString("en-GB");

function element(name, text, className) {
  const made = document.createElement(name);
  made.textContent = text;
  if (className) made.className = className;
  return made;
}

// A column: heading, value of a row, and the class of its cells. The first column is the heading of its row.
function draw(id, columns, rows, empty) {
  const table = document.querySelector(`#${id} table`);
  if (!rows.length) {
    const row = document.createElement("tr");
    row.append(element("td", empty, "empty"));
    table.replaceChildren(row);
    return;
  }
  const head = document.createElement("tr");
  for (const [heading, , className] of columns) {
    const cell = element("th", heading, className);
    cell.scope = "col";
    head.append(cell);
  }
  const body = rows.map(values => {
    const row = document.createElement("tr");
    columns.forEach(([, value, className], place) => {
      const cell = element(place ? "td" : "th", value(values), typeof className === "function" ? className(values) : className);
      if (!place) cell.scope = "row";
      row.append(cell);
    });
    return row;
  });
  table.replaceChildren(head, ...body);
}

function facts(list, pairs) {
  list.replaceChildren(...pairs.flatMap(([name, value]) => [element("dt", name), element("dd", value)]));
}

function line(pool) {
  const top = Math.max(pool.limit, ...uses, 1);
  const at = value => 19 - 18 * value / top;
  const points = uses.map((used, place) => `${place + 60 - uses.length},${at(used)}`);
  const path = (d, className) => {
    const made = document.createElementNS(SVG, "path");
    made.setAttribute("d", d);
    if (className) made.setAttribute("class", className);
    return made;
  };
  byId("pool-line").replaceChildren(path(`M${points.join("L")}`), path(`M0,${at(pool.limit)}H60`, "max"));
}

function showPool(pool) {
  const share = pool.limit ? pool.used / pool.limit : 0;
  byId("pool-meter").value = share;
  byId("pool-use").textContent = pool.limit ? `${pool.used} of ${pool.limit} (${percent(share)})` : "no pool";
  byId("pool-use").className = pool.level;
  const alert = byId("alert"), text = LEVELS[pool.level];
  if (alert.textContent !== text) alert.textContent = text;  // a screen reader reads each change
  alert.className = pool.level;
  facts(byId("pool-facts"), [
    ["Open connections", number(pool.open)], ["Waiting callers, at most", number(pool.pending)],
    ["Acquires in the last second", number(pool.acquires)], ["Mean wait", `${ms(pool.wait_ms)} ms`],
    ["Longest wait so far", `${ms(pool.longest_wait_ms)} ms`], ["Timeouts so far", number(pool.timeouts)],
  ]);
}

function show(now) {
  showPool(now.pool);
  line(now.pool);
  draw("workers", [
    ["worker", w => w.number], ["process", w => w.pid], ["since", w => clock(w.started_s)], ["active", w => number(w.active)],
    ["requests/s", w => number(w.requests_per_s, 1)], ["pool", w => `${w.used}/${w.limit}`, w => w.level], ["waiting", w => number(w.pending)],
  ], now.workers, "no worker runs");
  draw("routes", [
    ["endpoint", r => `${r.method} ${r.route}`, "text"], ["requests", r => number(r.count)], ["p50 ms", r => ms(r.p50_ms)],
    ["p95 ms", r => ms(r.p95_ms)], ["mean ms", r => ms(r.mean_ms)], ["4xx", r => number(r.client_errors)],
    ["5xx", r => number(r.server_errors), r => r.server_errors ? "critical" : ""],
  ], now.routes, "no request in the last minute");
  draw("slow-requests", [
    ["endpoint", r => r.route, "text"], ["at", r => clock(r.at_s)], ["ms", r => ms(r.ms)], ["queue", r => ms(r.queue_ms)],
    ["pool", r => ms(r.pool_ms)], ["database", r => ms(r.db_ms)], ["request id", r => r.id || "–", "text"],
  ], now.slow_requests, "no request in the last two minutes");
  draw("slow-statements", [
    ["at", s => clock(s.at_s), "text"], ["ms", s => ms(s.ms)], ["statement", s => s.text, "text sql"], ["request id", s => s.id || "–", "text"],
  ], now.slow_statements, "no statement took over 500 ms");
  draw("caches", [
    ["cache", c => c.name, "text"], ["hit ratio", c => percent(c.ratio)], ["hit", c => number(c.hit)], ["stale", c => number(c.stale)], ["miss", c => number(c.miss)],
  ], now.caches, "no cache is counted");
  facts(document.querySelector("#counters dl"), Object.entries(now.counters).map(([name, count]) => [name.replaceAll("_", " "), number(count)]));
}

function state(text, className = "") {
  byId("state").textContent = text;
  byId("state").className = className;
}

function connect() {
  source = new EventSource("/monitor/events");
  source.onmessage = event => {
    last = JSON.parse(event.data);
    uses.push(last.pool.used);
    if (uses.length > 60) uses.shift();
    if (isPaused) return;
    show(last);
    state(`live, ${clock(last.at_s)}`);
  };
  source.addEventListener("ended", () => {
    source.close();
    state("The login has ended. Open the monitor anew from the application.", "warning");
  });
  source.onerror = () => {
    if (source.readyState === EventSource.CLOSED) {  // refused: too many pages, or the login has ended
      state("no connection; trying again in 10 s. If it stays so, open the monitor anew from the application.", "warning");
      setTimeout(connect, 10000);
    } else {
      state("connection lost; trying again", "warning");
    }
  };
}

function togglePause() {
  isPaused = !isPaused;
  byId("pause").setAttribute("aria-pressed", String(isPaused));
  if (isPaused) state("paused", "notice");
  else if (last) show(last);
}

byId("pause").addEventListener("click", togglePause);
document.addEventListener("keydown", event => {
  if (event.key === "p" && !event.ctrlKey && !event.metaKey && !event.altKey) togglePause();
});
connect();
