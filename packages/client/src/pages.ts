import type { CallOptions } from './client-options.ts';
import type { HttpTransport } from './http-transport.ts';

/** Everything of a list, page after page, in one deadline per page. */
export async function allPages<Page extends { readonly next?: string }, Item>(
  transport: HttpTransport,
  path: string,
  itemsOf: (page: Page) => readonly Item[],
  options: CallOptions,
): Promise<readonly Item[]> {
  const items: Item[] = [];
  let cursor: string | undefined;
  do {
    const query: string = cursor === undefined ? '' : `?cursor=${encodeURIComponent(cursor)}`;
    const page = (await transport.call({ method: 'GET', path: `${path}${query}` }, options)) as Page;
    for (const item of itemsOf(page)) items.push(item);
    cursor = page.next;
  } while (cursor !== undefined);
  return items;
}
