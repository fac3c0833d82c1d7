#include "client/report/page.h"

namespace skew {

const char kReportStyle[] = R"css(
:root { --ink: #1c1f24; --soft: #5a6270; --line: #d9dde3; --wash: #f5f6f8; --mark: #0072b2; }
* { box-sizing: border-box; }
html { -webkit-text-size-adjust: 100%; }
body { margin: 0; color: var(--ink); background: #fff; font: 15px/1.5 system-ui, -apple-system, "Segoe UI", Helvetica,
  Arial, sans-serif; }
main, header, footer { max-width: 1160px; margin: 0 auto; padding: 0 28px; }
header { padding-top: 34px; padding-bottom: 6px; }
h1 { font-size: 29px; line-height: 1.2; margin: 0 0 4px; overflow-wrap: anywhere; }
h2 { font-size: 20px; margin: 46px 0 6px; padding-bottom: 5px; border-bottom: 2px solid var(--ink); }
/* Not below the choice of shares, which stays where it is. */
section { scroll-margin-top: 56px; }
h3 { font-size: 16px; margin: 26px 0 6px; }
p { margin: 6px 0 10px; max-width: 78ch; }
.sub { color: var(--soft); margin: 0 0 14px; max-width: none; }
.tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(122px, 1fr)); gap: 10px; margin: 14px 0 4px;
  padding: 0; list-style: none; }
.tiles li { background: var(--wash); border: 1px solid var(--line); border-radius: 6px; padding: 9px 12px; }
.tiles b { display: block; font-size: 19px; line-height: 1.25; overflow-wrap: break-word; }
.tiles b.words { font-size: 16px; line-height: 1.45; }
.tiles span { color: var(--soft); font-size: 13px; }
.warn { border-left: 4px solid #d55e00; background: #fdf3ec; padding: 8px 14px; margin: 12px 0; max-width: none; }
.empty { color: var(--soft); background: var(--wash); border: 1px dashed #b4bac4; border-radius: 6px; padding: 14px 16px;
  max-width: none; }
nav { margin: 14px 0 0; font-size: 14px; }
nav a { color: var(--mark); margin-right: 16px; text-decoration: none; white-space: nowrap; }
nav a:hover { text-decoration: underline; }
figure { margin: 16px 0 26px; padding: 12px 14px 10px; border: 1px solid var(--line); border-radius: 8px; }
figure svg { display: block; width: 100%; height: auto; }
figcaption { color: var(--soft); font-size: 13.5px; line-height: 1.45; margin-top: 6px; }
.scroll { overflow-x: auto; margin: 10px 0 14px; }
table { border-collapse: collapse; font-size: 13.5px; font-variant-numeric: tabular-nums; width: 100%; }
th { text-align: left; font-weight: 600; border-bottom: 1.5px solid var(--ink); padding: 5px 8px; vertical-align: bottom; }
td { border-bottom: 1px solid var(--line); padding: 4px 8px; vertical-align: top; }
th.n, td.n { text-align: right; white-space: nowrap; }
th.g { text-align: center; border-bottom: 1px solid var(--line); }
tbody.cell td { border-bottom-color: #eef0f3; }
tbody.cell tr:last-child td, tbody.cell tr:first-child td[rowspan] { border-bottom-color: #b4bac4; }
.effects { font-size: 13px; }
.claims table { font-size: 12.5px; }
.claims th, .claims td { padding-left: 5px; padding-right: 5px; }
.claims tbody td:first-child { min-width: 215px; }
.claims tbody th { padding-top: 12px; }
.overview { max-width: 1000px; }
.overview small { color: var(--soft); }
.overview td:first-child { min-width: 170px; }
.results table { font-size: 12px; }
.results th, .results td { padding-left: 4px; padding-right: 4px; }
.results td:nth-child(2)[rowspan] { min-width: 96px; }
td small, .note { color: var(--soft); font-size: 12.5px; }
.verdict { display: inline-block; white-space: nowrap; border-radius: 4px; padding: 0 7px; font-weight: 600;
  font-size: 12.5px; border: 1.5px solid; }
.supported { color: #00664a; border-color: #009e73; background: #e8f6f1; }
.opposite { color: #9a4300; border-color: #d55e00; background: #fdf0e7; }
.preserved { color: #00507e; border-color: #0072b2; background: #e8f2f9; }
.undecided { color: #555d69; border-color: #b4bac4; background: #fff; font-weight: 500; }
pre { background: var(--wash); border: 1px solid var(--line); border-radius: 6px; padding: 11px 14px; overflow-x: auto;
  font: 12.5px/1.5 ui-monospace, "DejaVu Sans Mono", Menlo, Consolas, monospace; }
code { font: 12.5px ui-monospace, "DejaVu Sans Mono", Menlo, Consolas, monospace; overflow-wrap: anywhere; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: 3px 18px; margin: 8px 0 14px; font-size: 14px; }
dt { color: var(--soft); }
dd { margin: 0; overflow-wrap: anywhere; }
.grids { display: grid; grid-template-columns: repeat(2, minmax(0, 1fr)); gap: 16px; }
.grids figure { margin: 0; padding: 10px 12px 8px; }
.strip { display: grid; grid-template-columns: max-content minmax(0, 1fr); column-gap: 8px; align-items: stretch; }
.strip img { width: 100%; height: auto; display: block; image-rendering: pixelated; }
.strip ol { list-style: none; margin: 0; padding: 0; display: flex; flex-direction: column; justify-content: space-around;
  font-size: 12.5px; font-weight: 600; color: var(--soft); }
ul.plain { padding-left: 20px; margin: 6px 0 12px; }
.choice { position: fixed; top: 0; left: 0; opacity: 0; pointer-events: none; }
.toggle { position: sticky; top: 0; z-index: 2; background: rgba(255, 255, 255, .96); border-bottom: 1px solid var(--line);
  padding: 8px 0; margin-top: 12px; font-size: 14px; }
.toggle label { display: inline-block; border: 1px solid #8b93a1; padding: 3px 13px; cursor: pointer; }
.toggle label:first-of-type { border-radius: 5px 0 0 5px; margin-left: 8px; }
.toggle label:last-of-type { border-radius: 0 5px 5px 0; border-left: 0; }
#see-judged:checked ~ main .toggle label[for=see-judged], #see-corrected:checked ~ main .toggle label[for=see-corrected] {
  background: var(--ink); border-color: var(--ink); color: #fff; }
#see-judged:focus-visible ~ main .toggle, #see-corrected:focus-visible ~ main .toggle { outline: 2px solid var(--mark); }
#see-judged:checked ~ main .corrected, #see-corrected:checked ~ main .judged { display: none; }
footer { color: var(--soft); font-size: 13px; margin-top: 44px; padding-top: 12px; padding-bottom: 34px; }
/* Not paper, which is as narrow. */
@media screen and (max-width: 760px) {
  main, header, footer { padding-left: 14px; padding-right: 14px; }
  .grids { grid-template-columns: minmax(0, 1fr); }
  dl { grid-template-columns: 1fr; }
  dt { margin-top: 6px; }
  figure { overflow-x: auto; }
  figure svg { min-width: 640px; }
}
@page { size: A4; margin: 14mm 13mm; }
@media print {
  body { font-size: 10.5pt; }
  main, header, footer { max-width: none; padding-left: 0; padding-right: 0; }
  header { padding-top: 0; }
  nav, .toggle { display: none; }
  /* Paper has no switch: both are printed, and each says what it is. */
  #see-judged:checked ~ main .corrected, #see-corrected:checked ~ main .judged { display: block; }
  h2 { margin-top: 26px; }
  h2, h3 { break-after: avoid; }
  h2 + p, h3 + p { break-after: avoid; }
  figure, .tiles li, tbody.cell, tr, .warn, dl, .together { break-inside: avoid; }
  details { display: none; }
  figure { margin: 8px 0 12px; padding: 6px 8px; }
  /* Two to a page, with what they mean and a heading. */
  figure svg { width: 100%; max-height: 108mm; margin: 0 auto; }
  figcaption { font-size: 8pt; }
  .scroll { overflow: visible; }
  table { font-size: 8pt; }
  th, td { padding: 2px 4px; }
  /* No table is wider than the page, or all of it would be printed smaller. */
  .claims table { font-size: 6.5pt; }
  .claims th, .claims td { padding-left: 2px; padding-right: 2px; }
  .claims td small { font-size: 6.5pt; }
  .results table { font-size: 6.5pt; }
  .results th, .results td { padding-left: 2px; padding-right: 2px; }
  .results td:nth-child(2)[rowspan] { min-width: 0; }
  .claims tbody td:first-child { min-width: 110px; }
  .verdict { padding: 0 2px; font-size: 6.5pt; }
  td small, .note { font-size: 7.5pt; }
  .note { max-width: none; }
  pre { font-size: 8pt; white-space: pre-wrap; overflow-wrap: anywhere; }
  code { font-size: 8pt; }
  thead { display: table-header-group; }
  * { -webkit-print-color-adjust: exact; print-color-adjust: exact; }
}
)css";

}  // namespace skew
