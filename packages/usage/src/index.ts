export type { Candidate, Surroundings } from './candidate.ts';
export type { ArgumentUsage, CommandUsage, OptionUsage, WordValue } from './command-usage.ts';
export { complete } from './completion.ts';
export { manualPage, type PageText } from './manual-page.ts';
export { formatAnswer, readQuestion, type Question } from './shell-answer.ts';
export { completionScript, SHELLS, type Shell } from './shell-scripts.ts';
