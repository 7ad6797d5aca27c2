"""The page's one script: search, filters, sorting, CSV files, comparing two systems.

All of it adds to a page that is whole without it: what needs the script is hidden until it runs. It makes elements
and sets text, never markup, so that nothing a table holds can become code.
"""

from __future__ import annotations

import base64
import hashlib

SCRIPT = r"""
(() => {
  "use strict";
  const byId = (id) => document.getElementById(id);
  const all = (what, where) => [...(where || document).querySelectorAll(what)];

  // A cell's words, with blanks between its parts and without drawings.
  const words = (cell) => {
    const walk = document.createTreeWalker(cell, NodeFilter.SHOW_TEXT), parts = [];
    while (walk.nextNode()) {
      if (!walk.currentNode.parentElement.closest("svg")) parts.push(walk.currentNode.data);
    }
    return parts.join(" ").replace(/\s+/g, " ").trim();
  };

  // A field of a CSV file; what a spreadsheet would take for a formula begins with an apostrophe.
  const field = (text) => {
    const value = text === "–" ? "" : text;
    const formula = /^[=+\-@|%＝＋－＠]/.test(value) && !/^[-+]?\d+(\.\d+)?$/.test(value);
    return '"' + (formula ? "'" : "") + value.replace(/"/g, '""') + '"';
  };

  const save = (table) => {
    const lines = [...table.rows].filter((row) => !row.hidden).map((row) =>
      [...row.cells].filter((cell) => !cell.hidden).map((cell) => field(words(cell))).join(","));
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob(["\ufeff" + lines.join("\r\n") + "\r\n"], {type: "text/csv"}));
    link.download = (table.dataset.file || "table") + ".csv";
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10000);
  };

  const valued = (cell) => {
    const text = cell ? words(cell) : "", plain = text.replace(/^[≥≤>]\s*/, "");
    return {text, none: text === "" || text === "–", number: /^[-+]?\d/.test(plain) ? parseFloat(plain) : NaN};
  };

  const sort = (table, column, head) => {
    const down = head.getAttribute("aria-sort") === "ascending";
    all("thead th", table).forEach((other) => other.removeAttribute("aria-sort"));
    head.setAttribute("aria-sort", down ? "descending" : "ascending");
    const body = table.tBodies[0];
    const rows = [...body.rows].map((row) => ({row, key: valued(row.cells[column])}));
    const numbers = rows.every(({key}) => key.none || !Number.isNaN(key.number));
    rows.sort((a, b) => {
      if (a.key.none !== b.key.none) return a.key.none ? 1 : -1;
      const order = numbers ? a.key.number - b.key.number : a.key.text.localeCompare(b.key.text, "en", {numeric: true});
      return down ? -order : order;
    });
    body.append(...rows.map(({row}) => row));
    table.dispatchEvent(new Event("sorted"));
  };

  // Tables get their buttons when they can be seen.
  const prepare = (where) => all("div.scroll > table:not(.ready)", where).forEach((table) => {
    if (table.parentElement.closest("details:not([open])")) return;
    table.classList.add("ready");
    if (table.rows.length > 2) all("thead th", table).forEach((head, column) => {
      if (!words(head)) return;
      const button = document.createElement("button");
      button.append(...head.childNodes);
      button.addEventListener("click", () => sort(table, column, head));
      head.append(button);
    });
    const tools = document.createElement("p"), button = document.createElement("button");
    tools.className = "tools";
    button.textContent = "Download as CSV";
    button.addEventListener("click", () => save(table));
    tools.append(button);
    table.parentElement.before(tools);
  });

  const find = byId("find");
  if (find) {
    const query = byId("query"), said = byId("found"), choices = all("select", find);
    const segments = all("section.seg"), folds = all("details.video");
    const owners = segments.map((one) => one.closest("details.video"));
    const keys = segments.map((one) => new Set(one.dataset.k.split(" ")));
    const lines = new Map(all("tr[data-at]").map((row) => [row.dataset.at, row]));
    const rows = segments.map((one) => lines.get(one.id));
    const index = find.parentElement.querySelector("table"), more = byId("more");
    let texts = null, most = 60;
    // Of many rows the first ones are laid out: an answer is to be there at once.
    const cut = () => {
      let count = 0;
      [...index.tBodies[0].rows].forEach((row) => {
        count += row.hidden ? 0 : 1;
        const late = !row.hidden && count > most;
        if (row.classList.contains("late") !== late) row.classList.toggle("late", late);
      });
      more.hidden = count <= most;
      more.textContent = `Show all ${count}`;
    };
    more.addEventListener("click", () => { most = Infinity; cut(); });
    index.addEventListener("sorted", cut);
    const read = () => {
      const named = (i) => (rows[i] ? words(rows[i]) : "");
      texts = texts || segments.map((one, i) => `${named(i)} ${one.textContent}`.toLowerCase());
    };
    const apply = () => {
      const asked = query.value.toLowerCase().split(/\s+/).filter(Boolean);
      const wanted = choices.map((one) => one.value).filter(Boolean);
      if (asked.length) read();
      const seen = new Set();
      let count = 0;
      segments.forEach((one, i) => {
        const fits = wanted.every((key) => keys[i].has(key)) && asked.every((word) => texts[i].includes(word));
        if (one.hidden === fits) one.hidden = !fits;
        if (rows[i] && rows[i].hidden === fits) rows[i].hidden = !fits;
        if (fits) { count += 1; seen.add(owners[i]); }
      });
      const any = asked.length + wanted.length > 0;
      folds.forEach((one) => {
        const fits = !any || seen.has(one);
        if (one.hidden === fits) one.hidden = !fits;
      });
      const result = `${count} of ${segments.length} exercises, in ${seen.size} of ${folds.length} videos`;
      said.textContent = any ? result : "";
      cut();
    };
    find.hidden = false;
    find.addEventListener("input", apply);
    find.addEventListener("submit", (event) => event.preventDefault());
    find.addEventListener("reset", () => setTimeout(apply));
    (window.requestIdleCallback || setTimeout)(read);
    apply();
  }

  const pair = byId("pair");
  if (pair) {
    const table = byId("differences").querySelector("table"), said = byId("differ"), [a, b] = all("select", pair);
    const did = (cell) => words(cell) + (cell.firstElementChild ? cell.firstElementChild.dataset.said : "");
    const compare = () => {
      const first = Number(a.value), second = Number(b.value), rows = [...table.tBodies[0].rows];
      [table.tHead.rows[0], ...rows].forEach((row) => [...row.cells].forEach((cell, i) => {
        cell.hidden = i > 1 && i !== first && i !== second;
      }));
      rows.forEach((row) => { row.hidden = did(row.cells[first]) === did(row.cells[second]); });
      said.textContent = `They differ in ${rows.filter((row) => !row.hidden).length} of ${rows.length} exercises.`;
    };
    pair.hidden = false;
    pair.addEventListener("input", compare);
    pair.addEventListener("submit", (event) => event.preventDefault());
    compare();
  }

  document.addEventListener("toggle", (event) => { if (event.target.open) prepare(event.target); }, true);
  prepare();
})();
"""

HASH = "sha256-" + base64.b64encode(hashlib.sha256(SCRIPT.encode()).digest()).decode()
"""What the page's policy admits: this script to the byte, and no other."""
