import type { Judgement } from './survey-case.ts';

/** By the names of cases: what a person said who looked at each violation of their last exploring. */
export const JUDGEMENTS: Readonly<Record<string, Judgement>> = {};
