export { GuestPlace, type GuestPlaceOptions } from './guest-place.ts';
