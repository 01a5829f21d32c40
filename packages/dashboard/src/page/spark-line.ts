import { vector } from '@vpmem/page-kit/element';

const [WIDTH, HEIGHT] = [96, 20];

/** A line without axes, in a row of a table: the newest at its right end. It is drawn anew by {@link SparkLine.show}. */
export class SparkLine {
  readonly element: SVGElement;
  readonly #line = vector('path');
  readonly #most: number;

  constructor(most: number) {
    this.#most = most;
    this.element = vector('svg', { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, width: WIDTH, height: HEIGHT, class: 'spark', 'aria-hidden': 'true' }, this.#line);
  }

  /** Oldest first; null leaves a gap. */
  show(values: readonly (number | null)[]): void {
    const top = Math.max(1, ...values.map((value) => value ?? 0));
    const step = WIDTH / (this.#most - 1);
    const first = this.#most - values.length;
    let pen = 'M';
    const path = values.map((value, i) => {
      if (value === null) return (pen = 'M'), '';
      const part = `${pen}${((first + i) * step).toFixed(1)} ${(HEIGHT - 1.5 - (value / top) * (HEIGHT - 3)).toFixed(1)}`;
      pen = 'L';
      return part;
    });
    this.#line.setAttribute('d', path.join(''));
  }
}
