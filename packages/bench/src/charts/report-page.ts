/** The page around charts and tables: it loads nothing from elsewhere, and is light or dark as its reader wants. */
import { escapedText } from './chart.ts';

const LIGHT = '--page:#fff;--text:#1d2329;--soft:#5b6670;--rule:#e3e7ea;--axis:#9aa5ae;--tile:#f5f7f8;--good:#12714f;--bad:#b3261e;'
  + '--c0:#1f6fd1;--c1:#d2601a;--c2:#0f8a6c;--c3:#8a4fcf;--c4:#a87a00;--c5:#c2337a';
const DARK = '--page:#14181c;--text:#e6eaed;--soft:#9aa6b0;--rule:#2a3138;--axis:#66727c;--tile:#1c2228;--good:#54c99b;--bad:#ff8a80;'
  + '--c0:#6ea8ff;--c1:#ff9a5c;--c2:#4fd1b0;--c3:#c39bff;--c4:#e3b341;--c5:#ff7ab8';
const COLOURS = [0, 1, 2, 3, 4, 5].map((index) => `.c${index}{color:var(--c${index})}`).join('');

const STYLE = `:root{color-scheme:light dark;${LIGHT}}@media(prefers-color-scheme:dark){:root{${DARK}}}${COLOURS}`
  + 'body{font:15px/1.5 system-ui,sans-serif;max-width:1000px;margin:2em auto;padding:0 16px;background:var(--page);color:var(--text)}'
  + 'h1{font-size:24px;margin:0 0 .3em}h2{font-size:17px;margin:0}p{margin:.4em 0;color:var(--soft)}p strong{color:var(--text)}'
  + '.tiles{display:flex;flex-wrap:wrap;gap:12px;margin:1.4em 0}.tile{flex:1 1 130px;background:var(--tile);border-radius:8px;padding:10px 14px}'
  + '.tile b{display:block;font-size:22px;font-weight:600;font-variant-numeric:tabular-nums}.tile span{color:var(--soft);font-size:13px}'
  + '.scroll{overflow-x:auto;margin:1em 0}table{border-collapse:collapse;font-variant-numeric:tabular-nums}'
  + 'td,th{border-bottom:1px solid var(--rule);padding:5px 14px;text-align:right;white-space:nowrap}th{color:var(--soft);font-weight:500;border-color:var(--axis)}'
  + '.wide{font-size:12.5px}.wide td,.wide th{padding:4px 5px}td.text,th.text{text-align:left}td:first-child,th:first-child{padding-left:0}.good{color:var(--good)}.bad{color:var(--bad)}'
  + 'section,figure{margin:2.4em 0}figure svg[role]{display:block;width:100%;height:auto;font-size:12px}svg text{fill:var(--soft)}'
  + '.legend{display:flex;flex-wrap:wrap;gap:2px 20px;list-style:none;margin:.5em 0;padding:0;font-size:13px}.legend svg{margin-right:7px;vertical-align:-1px}'
  + '.grid{stroke:var(--rule)}.axis{stroke:var(--axis)}.line{fill:none;stroke:currentColor;stroke-width:2;stroke-linejoin:round}.pale{opacity:.5}'
  + '.near{fill:transparent}.dot{fill:currentColor;opacity:0}.dot.shown,.point:hover .dot{opacity:1}';

export interface ReportPart {
  readonly title: string;
  /** HTML. */
  readonly parts: readonly string[];
}

export function reportPage({ title, parts }: ReportPart): string {
  return `<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>${escapedText(title)}</title><style>${STYLE}</style></head><body>\n${parts.filter((part) => part !== '').join('\n')}\n</body></html>\n`;
}

export interface Tile {
  readonly value: string;
  readonly name: string;
}

/** The figures that a reader wants first. */
export function tilesHtml(tiles: readonly Tile[]): string {
  return `<div class="tiles">${tiles.map(({ value, name }) => `<div class="tile"><b>${escapedText(value)}</b><span>${escapedText(name)}</span></div>`).join('')}</div>`;
}
