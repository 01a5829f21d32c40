import { expect, it } from 'vitest';
import { PATH_PROPERTIES } from './path-properties.ts';

it('are those of files that options name', () => {
  expect([...PATH_PROPERTIES].sort()).toEqual(['mem-path', 'record', 'socket']);
});
