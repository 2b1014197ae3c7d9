/** How the page looks. Colours are named once, for light and for dark. */
export const style = `
:root {
  color-scheme: light dark;
  --ground: #ffffff; --panel: #f5f6f8; --line: #d9dce2; --text: #1b1f27; --muted: #68707f; --select: #dce8ff;
  --session: #1f5fbf; --auth: #8a4bb8; --message: #1c7a4a; --quiet: #8a8f99; --error: #c22b2b; --note: #9a6700;
  font: 14px/1.4 system-ui, sans-serif;
}
@media (prefers-color-scheme: dark) {
  :root {
    --ground: #15181e; --panel: #1d2129; --line: #343a46; --text: #e3e6ec; --muted: #949cab; --select: #26385a;
    --session: #7fb0ff; --auth: #c99bf0; --message: #63cf97; --quiet: #7d8492; --error: #ff8080; --note: #e3b341;
  }
}
* { box-sizing: border-box; }
html, body { height: 100%; margin: 0; }
body { display: grid; grid-template: auto 1fr / 270px minmax(0, 1fr) 520px; background: var(--ground); color: var(--text); }
header { grid-column: 1 / -1; padding: 8px 14px; background: var(--panel); border-bottom: 1px solid var(--line); }
h1 { display: inline; margin: 0 12px 0 0; font-size: 16px; overflow-wrap: anywhere; }
#totals { color: var(--muted); }
#tags { display: flex; flex-wrap: wrap; gap: 4px; margin-top: 6px; max-height: 92px; overflow: auto; }
#tags button { padding: 1px 8px; border: 1px solid var(--line); border-radius: 10px; background: none; color: var(--muted); font: inherit; font-size: 12px; cursor: pointer; }
#tags button[aria-pressed="true"] { border-color: currentColor; background: var(--ground); color: var(--tone, var(--text)); font-weight: 600; }
nav, main, aside { min-width: 0; min-height: 0; display: flex; flex-direction: column; }
nav { background: var(--panel); border-right: 1px solid var(--line); }
nav input { margin: 8px; padding: 4px 8px; border: 1px solid var(--line); border-radius: 4px; background: var(--ground); color: inherit; font: inherit; }
.list { position: relative; flex: 1; overflow: auto; }
.list:focus-visible { outline: 2px solid var(--session); outline-offset: -2px; }
.list > div { position: relative; }
.item { position: absolute; left: 0; right: 0; cursor: pointer; }
.item[aria-selected="true"] { background: var(--select); }
#conversations .item { height: 62px; padding: 3px 10px; line-height: 18px; border-bottom: 1px solid var(--line); overflow: hidden; white-space: nowrap; }
#conversations .item > * { overflow: hidden; text-overflow: ellipsis; }
#conversations small { display: block; color: var(--muted); }
.bad { color: var(--error); font-weight: 600; }
#ends { display: flex; gap: 12px; justify-content: space-between; padding: 8px 24px 6px 112px; border-bottom: 1px solid var(--line); font-weight: 600; }
#ends span { overflow-wrap: anywhere; }
#ends span:nth-child(2) { color: var(--muted); font-weight: 400; }
#notes { margin: 0; padding: 0 24px; max-height: 110px; overflow: auto; color: var(--note); list-style: none; }
#notes:not(:empty) { padding-block: 6px; border-bottom: 1px solid var(--line); }
#frames .item { display: flex; height: 28px; align-items: center; }
.time { flex: 0 0 112px; padding-right: 10px; color: var(--muted); font: 12px/1 ui-monospace, monospace; text-align: right; }
.wire { flex: 1; position: relative; display: flex; align-items: center; min-width: 0; height: 100%; margin-right: 24px; border: solid var(--muted); border-width: 0 2px; color: var(--tone); }
.wire::before, .wire::after { content: ""; flex: 1 1 14px; min-width: 14px; border-top: 2px solid; }
.head { position: absolute; width: 0; height: 0; border: 6px solid transparent; }
.c2s .head { right: 0; border-left: 9px solid; border-right: 0; }
.s2c .head { left: 0; border-right: 9px solid; border-left: 0; }
.label { min-width: 0; padding: 0 8px; overflow: hidden; white-space: nowrap; text-overflow: ellipsis; }
.label b { font-weight: 600; }
.label span { color: var(--muted); font-size: 12px; }
.session { --tone: var(--session); } .auth { --tone: var(--auth); } .message { --tone: var(--message); }
.quiet { --tone: var(--quiet); } .error { --tone: var(--error); }
aside { overflow: auto; padding: 10px 14px; border-left: 1px solid var(--line); background: var(--panel); }
aside h2 { margin: 0 0 6px; font-size: 15px; }
aside h3 { margin: 14px 0 4px; font-size: 13px; color: var(--muted); }
table { width: 100%; border-collapse: collapse; }
th, td { padding: 2px 6px 2px 0; border-bottom: 1px solid var(--line); font-weight: 400; text-align: left; vertical-align: top; overflow-wrap: anywhere; }
th { width: 128px; color: var(--muted); }
td.hex { font: 12px/1.35 ui-monospace, monospace; overflow-wrap: anywhere; }
pre { margin: 0; font: 12px/1.35 ui-monospace, monospace; white-space: pre-wrap; overflow-wrap: anywhere; }
pre.dump { white-space: pre; overflow-x: auto; font-size: 11px; }
.empty { padding: 14px 24px; color: var(--muted); }
@media (max-width: 1100px) {
  body { grid-template: auto minmax(0, 3fr) minmax(0, 2fr) / 220px minmax(0, 1fr); height: 100%; }
  aside { grid-column: 1 / -1; border-left: 0; border-top: 1px solid var(--line); }
}
`
