"""The review page's style, script and frame: no server, no outside request, text only ever set as text."""

STYLE = """
:root { color-scheme: light dark; --line: #8885; --mark: #2a7; }
* { box-sizing: border-box; }
body { margin: 0; font: 16px/1.45 system-ui, sans-serif; display: grid; height: 100vh;
  grid-template-columns: minmax(10rem, 20rem) 1fr; }
nav { overflow: auto; border-right: 1px solid var(--line); }
nav button { display: block; width: 100%; text-align: left; border: 0; border-bottom: 1px solid var(--line);
  padding: .4rem .6rem; background: none; color: inherit; font: inherit; overflow-wrap: anywhere; }
nav button[aria-current=true] { background: #8883; }
nav button[data-state=accepted]::before { content: "\\2713 "; color: var(--mark); }
nav button[data-state=changed]::before { content: "\\270E "; }
nav button[data-state=rejected]::before { content: "\\2717 "; }
main { overflow: auto; padding: 1rem; max-width: 60rem; }
h1 { font-size: 1.2rem; overflow-wrap: anywhere; }
.frames { display: flex; flex-wrap: wrap; gap: .3rem; }
.frames img { max-height: 14rem; max-width: 100%; }
.text, dd { white-space: pre-wrap; overflow-wrap: anywhere; unicode-bidi: isolate; }
.text { font-size: 1.3rem; }
.choices { display: grid; grid-template-columns: repeat(auto-fill, minmax(10rem, 1fr)); gap: .2rem; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .1rem .8rem; }
dd { margin: 0; }
svg { width: 10rem; height: 2rem; overflow: visible; }
polyline { fill: none; stroke: var(--mark); stroke-width: 1; vector-effect: non-scaling-stroke; }
textarea { width: 100%; font: inherit; }
button, input, select { font: inherit; }
.bar { display: flex; flex-wrap: wrap; gap: .5rem; margin: .8rem 0; align-items: center; }
@media (max-width: 40rem) { body { grid-template-columns: 1fr; height: auto; } nav { max-height: 30vh; } }
@media print { nav, .bar { display: none; } }
"""

SCRIPT = """
"use strict";
const page = JSON.parse(document.getElementById("data").textContent);
const rows = page.rows, decisions = new Map();
let at = 0, saved = true;
const el = id => document.getElementById(id);
const make = (name, text) => {
  const made = document.createElement(name);
  if (text !== undefined) made.textContent = text;
  return made;
};
const same = (a, b) => JSON.stringify(a) === JSON.stringify(b);
const entries = rows.map((row, i) => {
  const button = make("button", row.key);
  button.type = "button";
  button.addEventListener("click", () => show(i));
  el("list").append(button);
  return button;
});
function decision(row) { return decisions.get(row.key) || {state: "", value: row.value, comment: ""}; }
function decide(state, value) {
  const row = rows[at], old = decision(row);
  const next = {state: state, value: state === "changed" ? value : row.value, comment: el("comment").value};
  if (state === "changed" && same(value, row.value)) next.state = "accepted";
  decisions.set(row.key, {...next, at: new Date().toISOString()});
  saved = false;
  mark();
}
function mark() {
  rows.forEach((row, i) => {
    entries[i].dataset.state = decision(row).state;
    entries[i].setAttribute("aria-current", i === at);
  });
  el("count").textContent = [...decisions.values()].filter(d => d.state).length + " of " + rows.length + " decided";
  el("state").textContent = decision(rows[at]).state || "not decided";
}
function editor(row) {
  const now = decision(row).value, box = el("choices");
  box.replaceChildren();
  page.choices.forEach((choice, i) => {
    const label = make("label"), input = make("input");
    input.type = page.many ? "checkbox" : "radio";
    input.name = "choice";
    input.value = choice;
    input.checked = page.many ? (now || []).includes(choice) : now === choice;
    input.addEventListener("change", () => {
      const chosen = [...box.querySelectorAll("input:checked")].map(e => e.value);
      decide("changed", page.many ? chosen : chosen[0]);
    });
    label.append(input, " " + choice + (page.many || i > 8 ? "" : " (" + (i + 1) + ")"));
    box.append(label);
  });
}
function curves(row) {
  const box = el("curves");
  box.replaceChildren();
  for (const curve of row.curves || []) {
    const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
    const line = document.createElementNS("http://www.w3.org/2000/svg", "polyline");
    const low = Math.min(...curve.degrees), span = Math.max(...curve.degrees) - low || 1;
    const n = curve.degrees.length - 1 || 1;
    svg.setAttribute("viewBox", "0 0 100 20");
    svg.setAttribute("preserveAspectRatio", "none");
    const points = curve.degrees.map((d, i) => 100 * i / n + "," + (20 - 20 * (d - low) / span));
    line.setAttribute("points", points.join(" "));
    svg.append(line);
    const value = make("dd");
    const unit = curve.unit === undefined ? " degrees" : curve.unit;
    value.append(svg, " " + low + " to " + Math.max(...curve.degrees) + unit);
    box.append(make("dt", curve.name), value);
  }
}
function show(i) {
  at = Math.max(0, Math.min(rows.length - 1, i));
  const row = rows[at];
  el("title").textContent = row.key;
  el("text").textContent = row.text || "";
  el("frames").replaceChildren(...(row.frames || []).map(source => {
    const image = make("img");
    image.src = source;
    image.alt = "frame of " + row.key;
    return image;
  }));
  el("facts").replaceChildren(...row.facts.flatMap(([name, value]) => [make("dt", name), make("dd", value)]));
  curves(row);
  editor(row);
  el("comment").value = decision(row).comment;
  mark();
  entries[at].scrollIntoView({block: "nearest"});
}
el("accept").addEventListener("click", () => { decide("accepted"); show(at + 1); });
el("reject").addEventListener("click", () => { decide("rejected"); show(at + 1); });
el("comment").addEventListener("change", () => {
  const old = decision(rows[at]);
  if (old.state) decide(old.state, old.value);
});
el("save").addEventListener("click", save);
function save() {
  const reviewer = el("reviewer").value.trim();
  if (!reviewer) { el("reviewer").focus(); el("state").textContent = "say who you are first"; return; }
  const kept = [...decisions].filter(([, d]) => d.state).map(([key, d]) => ({key: key, ...d}));
  const file = {format: page.format, table: page.table, reviewer: reviewer, decisions: kept};
  const link = make("a");
  link.href = URL.createObjectURL(new Blob([JSON.stringify(file, null, 1)], {type: "application/json"}));
  link.download = "review-" + page.table + ".json";
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10000);
  saved = true;
}
document.addEventListener("keydown", event => {
  const typing = ["TEXTAREA", "SELECT"].includes(event.target.tagName) || event.target.id === "reviewer";
  if (event.key === "Escape") { document.activeElement.blur(); return; }
  if (typing || event.ctrlKey || event.metaKey || event.altKey) return;
  const number = Number(event.key);
  const keys = {
    a: () => el("accept").click(), r: () => el("reject").click(), s: save, m: () => el("comment").focus(),
    c: () => el("choices").querySelector("input").focus(),
    j: () => show(at + 1), k: () => show(at - 1), ArrowRight: () => show(at + 1), ArrowLeft: () => show(at - 1),
  };
  if (!page.many && number >= 1 && number <= page.choices.length) {
    decide("changed", page.choices[number - 1]);
    show(at + 1);
  } else if (keys[event.key] && !(event.key.startsWith("Arrow") && event.target.type === "radio")) {
    keys[event.key]();
  } else return;
  event.preventDefault();
});
window.addEventListener("beforeunload", event => { if (!saved) event.preventDefault(); });
show(0);
"""

PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; img-src data:;
  style-src '{style_hash}'; script-src '{script_hash}'; base-uri 'none'; form-action 'none'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Review</title>
<style>{style}</style>
</head>
<body>
<nav id="list" aria-label="Rows"></nav>
<main>
<div class="bar">
<label>Reviewer <input id="reviewer" autocomplete="name"></label>
<button id="save" type="button">Save (s)</button>
<span id="count" role="status"></span>
</div>
<h1 id="title"></h1>
<p id="text" class="text"></p>
<div id="frames" class="frames"></div>
<dl id="facts"></dl>
<dl id="curves"></dl>
<div id="choices" class="choices"></div>
<div class="bar">
<button id="accept" type="button">Accept (a)</button>
<button id="reject" type="button">Reject (r)</button>
<span id="state" role="status"></span>
</div>
<label>Comment (m) <textarea id="comment" rows="2"></textarea></label>
<p>Keys: j or right, next; k or left, back; a accept; r reject; c change; m comment; Escape leaves a field; s save.</p>
</main>
<script type="application/json" id="data">{data}</script>
<script>{script}</script>
</body>
</html>
"""
