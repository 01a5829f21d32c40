export { AskedSocket } from './asked-socket.ts';
export { giveOver, type GivenUp, type Giver } from './giver.ts';
export { HandOverError, type HandOverProblem } from './hand-over-error.ts';
export { GIVER_STEPS, PROTOCOL, TAKER_STEPS, type GiverStep, type Offer, type TakerStep } from './messages.ts';
export { Taking, type Taken } from './taking.ts';
