/** Why a process cannot be tracked. */
export class Obstacle extends Error {
  override readonly name = 'Obstacle';
  /** When it may be worth while to try again: in so many milliseconds, or never. */
  readonly passesIn: number;

  constructor(reason: string, passesIn = Infinity) {
    super(reason);
    this.passesIn = passesIn;
  }
}
