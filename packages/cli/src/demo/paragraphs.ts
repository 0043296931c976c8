/** The corpus of the demo: paragraphs of the Markdown files that the installed packages bring along. */
import type { Dirent } from 'node:fs';
import { readFile, readdir, stat } from 'node:fs/promises';
import { join, relative, sep } from 'node:path';

export interface Paragraph {
  /** Path below node_modules and number: unique, also where a package is there in two versions, and the same on every machine with the same packages. */
  readonly key: string;
  readonly package: string;
  /** Inside the package, with forward slashes. */
  readonly file: string;
  readonly text: string;
}

export const PARAGRAPH_LIMITS = {
  paragraphs: 4_000,
  minimumChars: 80,
  maximumChars: 1_500,
  fileBytes: 1024 * 1024,
  files: 5_000,
  depth: 12,
  /** So that a few packages with long manuals leave room for all others. */
  paragraphsPerPackage: 60,
} as const;

/** Files that say the same in every package, or nothing that one would search for. */
const SKIPPED_FILE = /licen[cs]e|copying|notice|change|history|release|security|code.of.conduct|contribut|maintainers|authors|governance|upgrad|migrat/i;

/** Markdown files below a folder in the order of their names, depth first. */
async function* markdownFiles(folder: string, depth: number): AsyncGenerator<string> {
  if (depth > PARAGRAPH_LIMITS.depth) return;
  const entries: Dirent[] = await readdir(folder, { withFileTypes: true }).catch(() => []);
  entries.sort((a, b) => (a.name < b.name ? -1 : 1));
  for (const entry of entries) {
    const path = join(folder, entry.name);
    // Links lead to the project's own packages, or in circles.
    if (entry.isDirectory() && !entry.name.startsWith('.')) yield* markdownFiles(path, depth + 1);
    else if (entry.isFile() && /\.(md|markdown)$/i.test(entry.name) && !SKIPPED_FILE.test(entry.name)) yield path;
  }
}

/** The package that a path below node_modules belongs to, and the file inside it. */
function placeOf(nodeModules: string, path: string): { package: string; file: string } {
  const parts = relative(nodeModules, path).split(sep);
  const start = parts.lastIndexOf('node_modules') + 1;
  const nameParts = parts[start]?.startsWith('@') === true ? 2 : 1;
  return { package: parts.slice(start, start + nameParts).join('/'), file: parts.slice(start + nameParts).join('/') };
}

/** Text as a reader sees it: links by their text, no images, tags or markup. */
function plainText(markdown: string): string {
  return markdown
    .replace(/!\[[^\]]*\](\([^)]*\)|\[[^\]]*\])/g, ' ')
    .replace(/\[([^\]]*)\](\([^)]*\)|\[[^\]]*\])/g, '$1')
    .replace(/<[^>]*>/g, ' ')
    .replace(/^([=-])\1{2,}\s*$/gm, ' ')
    .replace(/^[#>\-*+\s]+/gm, ' ')
    .replace(/[*_`~]+/g, '')
    .replace(/\s+/g, ' ')
    .trim();
}

/** Paragraphs of prose: neither code, tables, badges, link lists nor entries of changelogs. */
export function proseOf(markdown: string): string[] {
  const withoutCode = markdown.replace(/^(```|~~~)[^\n]*\n[\s\S]*?^\1[^\n]*$/gm, '\n').replace(/<!--[\s\S]*?-->/g, '\n');
  return withoutCode
    .split(/\r?\n\s*\r?\n/)
    .filter((block) => !/^( {4}|\t|\s*\|)/.test(block) && !/^\s*\[[^\]]+\]:\s/m.test(block))
    .map(plainText)
    .filter((text) => text.length >= PARAGRAPH_LIMITS.minimumChars && text.length <= PARAGRAPH_LIMITS.maximumChars)
    .filter((text) => (text.match(/[a-z]{2,}/gi)?.length ?? 0) >= 10 && !/^v?\d+\.\d+|copyright|warrant|permission is hereby/i.test(text));
}

/** At most `PARAGRAPH_LIMITS.paragraphs`, the same ones in the same order for the same packages; a text that occurs twice counts once. */
export async function collectParagraphs(nodeModules: string): Promise<Paragraph[]> {
  const paragraphs: Paragraph[] = [];
  const texts = new Set<string>();
  const perPackage = new Map<string, number>();
  let fileCount = 0;
  for await (const path of markdownFiles(nodeModules, 0)) {
    fileCount += 1;
    if (fileCount > PARAGRAPH_LIMITS.files || paragraphs.length >= PARAGRAPH_LIMITS.paragraphs) break;
    if ((await stat(path)).size > PARAGRAPH_LIMITS.fileBytes) continue;
    const place = placeOf(nodeModules, path);
    for (const [index, text] of proseOf(await readFile(path, 'utf8')).entries()) {
      const count = perPackage.get(place.package) ?? 0;
      if (texts.has(text) || count >= PARAGRAPH_LIMITS.paragraphsPerPackage || paragraphs.length >= PARAGRAPH_LIMITS.paragraphs) continue;
      texts.add(text);
      perPackage.set(place.package, count + 1);
      paragraphs.push({ key: `${relative(nodeModules, path).split(sep).join('/')}#${index}`, ...place, text });
    }
  }
  return paragraphs;
}
