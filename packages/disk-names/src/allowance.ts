/** How many steps are left to somebody who follows what an image says, which may lead round in circles or anywhere. */
export class Allowance {
  #left: number;

  constructor(steps: number) {
    this.#left = steps;
  }

  /** Takes steps; false once there are none, and ever after. */
  take(steps = 1): boolean {
    this.#left -= steps;
    return this.#left >= 0;
  }

  get isSpent(): boolean {
    return this.#left <= 0;
  }
}
