"""The page's style sheet. Its hash stands in the page's policy, so no other style is obeyed."""

from __future__ import annotations

import base64
import hashlib

STYLE = """
:root { color-scheme: light dark; --ground: #fff; --text: #1b1d21; --soft: #5b616b; --line: #c9ced6; --panel: #f4f6f8;
  --curve: #1d4ed8; --band: #16a34a; --rep: #dbe4ff; --rep2: #c3d2ff; --fault: #c2410c; --truth: #374151;
  --hit: #15803d; --miss: #6b7280; --link: #15803d; --focus: #7c3aed; --warn: #9a3412; --warnback: #fff4e5; }
@media (prefers-color-scheme: dark) { :root { --ground: #14161a; --text: #e8eaed; --soft: #a4abb6; --line: #3d434d;
  --panel: #1d2026; --curve: #93c5fd; --band: #4ade80; --rep: #26304d; --rep2: #32406b; --fault: #fdba74;
  --truth: #d1d5db; --hit: #4ade80; --miss: #9ca3af; --link: #4ade80; --focus: #c4b5fd; --warn: #fdba74;
  --warnback: #33241a; } }
* { box-sizing: border-box; }
body { background: var(--ground); color: var(--text); font: 1rem/1.5 system-ui, sans-serif; margin: 0;
  overflow-wrap: break-word; }
main, header, footer { max-width: 1180px; margin: 0 auto; padding: 0 1rem; }
h1 { font-size: 1.6rem; line-height: 1.2; margin: 1.2rem 0 .3rem; }
h2 { font-size: 1.25rem; margin: 2.2rem 0 .6rem; border-bottom: 2px solid var(--line); padding-bottom: .2rem; }
h3 { font-size: 1.05rem; margin: 1.4rem 0 .4rem; } h4 { font-size: .95rem; margin: 1rem 0 .3rem; }
p, ul { margin: .5rem 0; } p.soft { margin: .2rem 0; } tbody th { min-width: 6.5rem; } a { color: var(--curve); }
small, .soft, figcaption { color: var(--soft); font-size: .85rem; }
bdi { white-space: pre-line; }
.skip { position: absolute; left: -999px; } .skip:focus { position: static; }
:focus-visible { outline: 3px solid var(--focus); outline-offset: 2px; }
nav ul { list-style: none; padding: 0; display: flex; flex-wrap: wrap; gap: .3rem 1rem; }
nav a, .videos a { display: inline-block; padding: .25rem 0; }
.videos { list-style: none; padding: 0; display: flex; flex-wrap: wrap; gap: .1rem .9rem; }
.facts { display: grid; grid-template-columns: repeat(auto-fit, minmax(8.5rem, 1fr)); gap: .6rem; margin: 1rem 0; }
bdi, code, .facts div, p, li, figcaption { overflow-wrap: anywhere; }
thead bdi { overflow-wrap: normal; } .said thead bdi { overflow-wrap: anywhere; }
.facts div { min-width: 0; background: var(--panel); border-radius: .5rem; padding: .6rem .8rem; }
.facts dt { color: var(--soft); font-size: .85rem; } .facts dd { margin: 0; font-size: 1.35rem; font-weight: 600; }
.note { background: var(--warnback); border-left: 4px solid var(--warn); padding: .5rem .8rem; margin: .8rem 0; }
.scroll { overflow-x: auto; margin: .6rem 0; }
table { border-collapse: collapse; font-size: .9rem; min-width: 50%; }
caption { text-align: left; font-weight: 600; padding: .3rem 0; }
th, td { border-bottom: 1px solid var(--line); padding: .35rem .55rem; text-align: left; vertical-align: top; }
tbody th { font-weight: 400; } thead th { border-bottom: 2px solid var(--line); font-weight: 600; }
.n { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
.n small { display: block; white-space: nowrap; } tr.own th, tr.own td { font-weight: 600; background: var(--panel); }
.said td, .said th { overflow-wrap: anywhere; } .said { width: 100%; table-layout: fixed; }
.said th:first-child { width: 5.2rem; } .who th:nth-child(2) { width: 9rem; }
.tag { display: inline-block; border: 1px solid var(--line); border-radius: 1rem; padding: 0 .5rem; font-size: .8rem;
  color: var(--soft); white-space: nowrap; }
.hit { color: var(--hit); border-color: currentColor; } .miss { color: var(--miss); border-style: dashed; }
details { margin: .4rem 0; } summary { cursor: pointer; padding: .35rem 0; }
details.video, details.part { border: 1px solid var(--line); border-radius: .5rem; padding: .1rem .9rem; }
details.video > summary, details.part > summary { font-weight: 600; }
details.video > .inside { scroll-margin-top: 3.5rem; }
details.long > summary { padding: 0; font-weight: 400; } details.long > bdi { display: block; margin-top: .4rem; }
details.long[open] > summary > bdi { display: none; }
pre { overflow: auto; max-height: 24rem; background: var(--panel); padding: .7rem; border-radius: .4rem;
  font-size: .8rem; white-space: pre-wrap; overflow-wrap: anywhere; }
figure { margin: .8rem 0; } figure .scroll { margin: 0; }
svg.time { display: block; width: 100%; min-width: 720px; height: auto; }
svg text { font: 13px system-ui, sans-serif; fill: var(--text); } svg .soft { fill: var(--soft); }
svg .lane { fill: var(--panel); } svg .grid { stroke: var(--line); stroke-width: 1; fill: none; }
svg .curve { fill: none; stroke: var(--curve); stroke-width: 2; stroke-linejoin: round; }
svg .band { fill: var(--band); fill-opacity: .22; } svg .mid { fill: none; stroke: var(--band); stroke-dasharray: 5 4; }
svg .rep { fill: var(--rep); stroke: var(--line); } svg .rep.odd { fill: var(--rep2); }
svg .cut { stroke-dasharray: 4 3; } svg .hard { fill: var(--fault); stroke: var(--fault); }
svg .weak { fill: none; stroke: var(--fault); stroke-width: 1.5; }
svg .truth { stroke: var(--truth); stroke-width: 2; }
svg .got { fill: var(--hit); stroke: var(--hit); stroke-width: 2; }
svg .lost { fill: var(--ground); stroke: var(--miss); stroke-width: 2; }
svg .tie { stroke: var(--link); stroke-width: 2; fill: none; }
svg .span { stroke: var(--curve); stroke-width: 3; } svg .dot { fill: var(--curve); }
[hidden] { display: none !important; }
.find { display: flex; flex-wrap: wrap; gap: .6rem .9rem; align-items: end; margin: .6rem 0; }
.find label { display: grid; gap: .15rem; font-size: .85rem; color: var(--soft); min-width: 0; max-width: 100%; }
.find p { flex-basis: 100%; margin: 0; min-height: 1.3rem; }
input, select, button { font: inherit; color: var(--text); background: var(--ground); border: 1px solid var(--soft);
  border-radius: .35rem; padding: .3rem .5rem; min-height: 2.1rem; max-width: 100%; }
#query { width: 17rem; } .find select { max-width: 15rem; } button { cursor: pointer; }
.tools { margin: .5rem 0 0; text-align: right; } .tools + .scroll { margin-top: .2rem; }
.tools button { font-size: .8rem; min-height: 0; padding: .15rem .5rem; color: var(--soft); border-color: var(--line); }
thead th button { all: unset; cursor: pointer; } thead th button:focus-visible { outline: 3px solid var(--focus); }
thead th button::after { content: " ↕"; color: var(--soft); }
th[aria-sort=ascending] button::after { content: " ↑"; color: var(--text); }
th[aria-sort=descending] button::after { content: " ↓"; color: var(--text); }
.late { display: none; } #more { margin-bottom: .6rem; }
.tall { max-height: 28rem; overflow: auto; contain: content; }
.all thead th { position: sticky; top: 0; background: var(--ground); z-index: 1; }
.all bdi { overflow-wrap: normal; } .all th:first-child { min-width: 9rem; } .all td { min-width: 6rem; }
.words dt { font-weight: 600; margin-top: .5rem; } .words dd { margin: 0; }
.clips { display: flex; flex-wrap: wrap; gap: .8rem; } .clips figure { margin: .3rem 0; max-width: 20rem; }
.clips video { display: block; max-width: 100%; height: auto; background: #000; border-radius: .3rem; }
section.seg { scroll-margin-top: .5rem; content-visibility: auto; contain-intrinsic-size: auto 900px; }
@media (max-width: 640px) {
  .find label, #query, .find select { width: 100%; max-width: none; }
  table.said thead { display: none; }
  table.said, .said tbody, .said tr, .said th, .said td { display: block; width: auto; }
  .said th:first-child { width: auto; font-weight: 600; } .said td:empty { display: none; }
  .said td::before { content: attr(data-label); display: block; color: var(--soft); font-size: .8rem; }
  .said th, .said td { border: 0; padding: .15rem 0; text-align: left; }
  table:not(.said) tbody th { position: sticky; left: 0; background: var(--ground); }
  .who td::before { display: none; } .who th, .who td:nth-child(2) { display: inline-block; margin-right: .6rem; }
  .said tr { border-bottom: 1px solid var(--line); padding: .4rem 0; }
  details.video, details.part { padding: .1rem .6rem; }
}
@media print {
  :root { --ground: #fff; --text: #000; --panel: #f4f6f8; color-scheme: light; font-size: 9.5pt; }
  main, header, footer { max-width: none; padding: 0; } nav, .skip, .find, .tools { display: none; }
  .tall { max-height: none; } tr.late { display: table-row; } thead th button::after { content: ""; }
  .scroll { overflow: visible; } svg.time { min-width: 0; } table { font-size: 8pt; }
  tr, figure, .facts div { break-inside: avoid; } h2, h3, h4, summary { break-after: avoid; }
  pre { max-height: none; } .few details.video::details-content, details.shown::details-content {
     content-visibility: visible; display: block; }
}
"""

_HASH = base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()


def policy(script: str = "", clips: bool = False) -> str:
    """Content security policy: no request, pictures (and `clips`) from the page itself, this style sheet alone, and
    the script with this hash, if any."""
    parts = ["default-src 'none'", "img-src data:", f"style-src 'sha256-{_HASH}'"]
    parts += [f"script-src '{script}'"] if script else []
    parts += ["media-src data:"] if clips else []
    return "; ".join([*parts, "base-uri 'none'", "form-action 'none'"])
