"use strict";
// Shows the snapshots that /monitor/events sends.

const STORES = {valkey: "Valkey", postgresql: "PostgreSQL", files: "files"};
const HOW = {
  valkey: count => count.margin ? "estimated from 400 random keys" : "keys of sessions",
  postgresql: () => "rows that have not expired",
  files: () => "files, expired ones among them until they are removed",
};
let isPaused = false, last = null, source = null;

function setText(made, text) {
  if (made.textContent !== text) made.textContent = text;  // a screen reader reads each change
}

function problemItem(problem) {
  const since = problem.is_open ? `since ${clock(problem.since_s)}` : `${clock(problem.since_s)} to ${clock(problem.last_s)}`;
  const recent = problem.is_open && last.at_s - problem.last_s > 5 ? `, last at ${clock(problem.last_s)}` : "";
  const item = document.createElement("li");
  item.append(element("strong", problem.level, problem.level), element("span", problem.text, "what"), element("span", since + recent, "when"));
  return item;
}

function showVerdict(now) {
  const open = now.problems.filter(problem => problem.is_open), ended = now.problems.filter(problem => !problem.is_open);
  const worst = ["critical", "warning", "notice"].find(name => open.some(problem => problem.level === name)) || "ok";
  const title = byId("verdict-title");
  const earlier = ended.length ? "" : `, and nothing was since ${clock(Math.max(now.watched_since_s, now.at_s - 3600))}`;
  setText(title, open.length ? `${open.length} ${open.length === 1 ? "problem" : "problems"} in the last minute` : `Nothing is wrong now${earlier}`);
  title.className = worst;
  byId("verdict").className = `wide level-${worst}`;
  document.title = open.length ? `(${open.length}) Monitor` : "Monitor";
  byId("problems").replaceChildren(...open.map(problemItem));
  const details = byId("earlier");
  details.hidden = !ended.length;
  setText(details.querySelector("summary"), `Earlier, in the last hour: ${ended.length}`);
  details.querySelector("ul").replaceChildren(...ended.map(problemItem));
}

function showRequests(now) {
  const {requests_per_s: rates, errors_per_s: errors, p95_ms: p95} = now.history;
  const rate = now.workers.reduce((sum, worker) => sum + worker.requests_per_s, 0);
  setText(byId("requests-now"), `${number(rate)} now`);
  line("requests-line", "Requests a second", rates, {bars: errors});
  const newest = p95.length ? p95[p95.length - 1] : null;
  setText(byId("p95-now"), newest == null ? NONE : `${percentile(newest)} ms now`);
  line("p95-line", "95th percentile of the duration", p95);
}

function showPool(now) {
  const pool = now.pool, share = pool.limit ? pool.used / pool.limit : 0;
  byId("pool-meter").value = share;
  byId("pool-use").textContent = pool.limit ? `${pool.used} of ${pool.limit} (${percent(share, 0)})` : "no pool";
  byId("pool-use").className = pool.level;
  line("pool-line", "Connections in use at most", now.history.pool_used, {limit: pool.limit});
  facts(byId("pool-facts"), [
    ["Open connections", number(pool.open)], ["Waiting requests, at most", number(pool.pending)],
    ["Uses in the last second", number(pool.acquires)], ["Mean wait for a connection", `${ms(pool.wait_ms)} ms`],
    ["Longest wait since the start", `${ms(pool.longest_wait_ms)} ms`], ["Gave up waiting since the start", number(pool.timeouts)],
  ]);
}

function showSessions(now) {
  const count = now.sessions;
  let text = "not counted", note = "Sessions in cookies are not stored, and other applications do not tell where theirs are.";
  if (count && count.number == null) note = `${STORES[count.store]} did not answer at ${clock(count.at_s)}: ${count.reason}`;
  else if (count) {
    const margin = count.margin ? ` ± ${number(count.margin)}` : "";
    text = `${count.is_capped ? "at least " : count.margin ? "about " : ""}${number(count.number)}${margin} stored`;
    note = `In ${STORES[count.store]}, counted at ${clock(count.at_s)}: ${HOW[count.store](count)}.`;
  }
  setText(byId("sessions-number"), text);
  setText(byId("sessions-note"), note);
  const counters = Object.entries(now.counters);
  byId("counters-title").hidden = !counters.length;
  facts(byId("counters"), counters.map(([name, value]) => [name.replaceAll("_", " "), number(value)]));
}

function showTables(now) {
  draw("routes", [
    ["endpoint", r => `${r.method} ${r.route}`, "text"], ["requests", r => number(r.count)], ["p50 ms", r => percentile(r.p50_ms)],
    ["p95 ms", r => percentile(r.p95_ms)], ["mean ms", r => ms(r.mean_ms)], ["4xx", r => number(r.client_errors)],
    ["5xx", r => number(r.server_errors), r => r.server_errors ? "critical" : ""],
  ], now.routes, "no request in the last minute");
  draw("workers", [
    ["worker", w => `worker ${w.number}`, "text"], ["process", w => String(w.pid)], ["since", w => clock(w.started_s)],
    ["active", w => number(w.active)], ["requests/s", w => number(w.requests_per_s, 1)],
    ["pool", w => `${w.used} of ${w.limit}`, w => w.level], ["waiting", w => number(w.pending)],
  ], now.workers, "no worker runs");
  draw("caches", [
    ["cache", c => c.name, "text"], ["hit ratio", c => percent(c.ratio)], ["hit", c => number(c.hit)], ["stale", c => number(c.stale)], ["miss", c => number(c.miss)],
  ], now.caches, "no cache is counted");
  const shown = draw("slow-requests", [
    ["endpoint", r => r.route, "text"], ["at", r => clock(r.at_s)], ["ms", r => ms(r.ms)], ["before the worker", r => ms(r.queue_ms)],
    ["for a connection", r => ms(r.pool_ms)], ["in the database", r => ms(r.db_ms)], ["else", r => ms(r.other_ms)],
    ["request id", r => r.id || NONE, "text id"],
  ], now.slow_requests, "no request in the last two minutes");
  const isTimed = !now.slow_requests.length || shown.includes("else");
  setText(byId("slow-requests-note"), isTimed ? "" : "Only requests that are timed show the parts of their time.");
  draw("slow-statements", [
    ["at", s => clock(s.at_s), "text"], ["ms", s => ms(s.ms)], ["statement", s => s.text, "text sql"], ["request id", s => s.id || NONE, "text id"],
  ], now.slow_statements, "no statement took over 500 ms");
}

function show(now) {
  showVerdict(now);
  showRequests(now);
  showPool(now);
  showSessions(now);
  showTables(now);
}

function state(text, className = "") {
  byId("state").textContent = text;
  byId("state").className = className;
}

function connect() {
  source = new EventSource("/monitor/events");
  source.onmessage = event => {
    const now = JSON.parse(event.data);
    if (isPaused) return;
    last = now;
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
      state(last ? `connection lost at ${clock(last.at_s)}; trying again` : "connection lost; trying again", "warning");
    }
  };
}

function togglePause() {
  isPaused = !isPaused;
  byId("pause").setAttribute("aria-pressed", String(isPaused));
  byId("pause").firstChild.textContent = isPaused ? "Go on " : "Pause ";
  if (isPaused) state(last ? `paused at ${clock(last.at_s)}` : "paused", "notice");
  else state("going on …");
}

byId("pause").addEventListener("click", togglePause);
document.addEventListener("keydown", event => {
  if (event.key === "p" && !event.ctrlKey && !event.metaKey && !event.altKey) togglePause();
});
connect();
