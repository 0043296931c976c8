/** Reports as blocks, which are written as Markdown or as HTML. */
import { escapedText } from './chart.ts';

export interface ReportColumn {
  readonly name: string;
  /** Numbers stand at the right. */
  readonly isText?: boolean;
}

/** A cell; one that says whether something was reached has a mood. */
export type ReportCell = string | { readonly text: string; readonly isGood: boolean };

export type ReportBlock =
  | { readonly type: 'title' | 'heading' | 'text'; readonly text: string }
  | { readonly type: 'table'; readonly columns: readonly ReportColumn[]; readonly rows: readonly (readonly ReportCell[])[] };

/** A table of more columns is set smaller, so that it fits the page. */
const WIDE_COLUMNS = 9;

const textOf = (cell: ReportCell): string => (typeof cell === 'string' ? cell : cell.text);

function markdownBlock(block: ReportBlock): string {
  switch (block.type) {
    case 'title':
      return `# ${block.text}`;
    case 'heading':
      return `## ${block.text}`;
    case 'text':
      return block.text;
    case 'table': {
      const line = (cells: readonly string[]): string => `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
      const rule = `|${block.columns.map(({ isText = false }) => (isText ? '---' : '---:')).join('|')}|`;
      return [line(block.columns.map(({ name }) => name)), rule, ...block.rows.map((row) => line(row.map(textOf)))].join('\n');
    }
  }
}

export function blocksToMarkdown(blocks: readonly ReportBlock[]): string {
  return `${blocks.map(markdownBlock).join('\n\n')}\n`;
}

function htmlBlock(block: ReportBlock): string {
  switch (block.type) {
    case 'title':
      return `<h1>${escapedText(block.text)}</h1>`;
    case 'heading':
      return `<h2>${escapedText(block.text)}</h2>`;
    case 'text':
      return `<p>${escapedText(block.text)}</p>`;
    case 'table': {
      const { columns, rows } = block;
      const classOf = (column: number, cell: ReportCell): string => {
        const classes = [...(columns[column]?.isText === true ? ['text'] : []), ...(typeof cell === 'string' ? [] : [cell.isGood ? 'good' : 'bad'])];
        return classes.length === 0 ? '' : ` class="${classes.join(' ')}"`;
      };
      const head = columns.map(({ name }, column) => `<th${classOf(column, '')}>${escapedText(name)}</th>`).join('');
      const body = rows.map((row) => `<tr>${row.map((cell, column) => `<td${classOf(column, cell)}>${escapedText(textOf(cell))}</td>`).join('')}</tr>`).join('');
      const wide = columns.length > WIDE_COLUMNS ? ' class="wide"' : '';
      return `<div class="scroll"><table${wide}><thead><tr>${head}</tr></thead><tbody>${body}</tbody></table></div>`;
    }
  }
}

export const blocksToHtml = (blocks: readonly ReportBlock[]): string => blocks.map(htmlBlock).join('\n');
