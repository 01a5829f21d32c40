import { fieldsAt, firstPart, rowsAt, type PartAt } from '../stretch.ts';
import { DatabaseHeader, dataView, PAGE_TYPES, PageHeader } from './sqlite-layout.ts';

/** Parts of a page, whose bytes `page` has and which lies at `base`. Of one that is no page of a b-tree there are none. */
export function pageParts(page: Uint8Array, number: number, base: number): PartAt {
  const start = number === 1 ? DatabaseHeader.size : 0;
  const { page_type, cell_count, cell_content_start } = PageHeader.decode(dataView(page), start);
  if (PAGE_TYPES[page_type] === undefined) return () => undefined;
  const at = base + start;
  const pointers = at + (page_type === 2 || page_type === 5 ? PageHeader.size : PageHeader.fields.right_pointer.offset);
  const end = base + page.length;
  const pointersEnd = Math.min(end, pointers + cell_count * 2);
  const cells = Math.max(pointersEnd, Math.min(end, base + (cell_content_start === 0 ? page.length : cell_content_start)));
  const fields = fieldsAt(PageHeader, at);
  return firstPart(
    (offset) => (offset < pointers ? fields(offset) : undefined),
    rowsAt(pointers, pointersEnd, Math.max(1, pointersEnd - pointers), () => 'cell pointers'),
    rowsAt(pointersEnd, cells, Math.max(1, cells - pointersEnd), () => 'free space'),
    rowsAt(cells, end, Math.max(1, end - cells), () => 'cells'),
  );
}
