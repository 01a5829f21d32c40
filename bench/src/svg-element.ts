/** What stands in an attribute. */
type Value = string | number;

/** One element of SVG with what is in it: elements as they are. Text goes through {@link svgText}. */
export function svg(name: string, attributes: Readonly<Record<string, Value>>, ...children: readonly string[]): string {
  const written = Object.entries(attributes).map(([key, value]) => ` ${key}="${escaped(typeof value === 'number' ? rounded(value) : value)}"`);
  return `<${[name, ...written].join('')}${children.length === 0 ? '/>' : `>${children.join('')}</${name}>`}`;
}

/** A line of text at a point. @param kind classes of the style sheet */
export function svgText(x: number, y: number, kind: string, text: string): string {
  return svg('text', { x, y, class: kind }, escaped(text));
}

/** A tenth of a pixel is as much as one sees. */
function rounded(value: number): string {
  return String(Math.round(value * 10) / 10);
}

function escaped(text: string): string {
  return text.replace(/[&<>"]/g, (sign) => `&#${sign.charCodeAt(0)};`);
}
