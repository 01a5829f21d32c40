import { describe, expect, it } from 'vitest';
import { readSetup } from './setup.ts';

const setup = (text: string) => readSetup([{ name: 'run-with', text }], 'vpmemd');

describe('-run-with', () => {
  it('names a user', () => {
    expect(setup('user=1000:100').runWith).toEqual({ user: '1000:100', 'exit-with-parent': false, 'restart-burst': 5 });
  });

  it.each([
    ['chroot=/tmp', /^-run-with chroot=\/tmp: .*node cannot change its root/],
    ['usr=x', /^-run-with usr=x: .*did you mean 'user'/],
  ])('%s is refused', (text, message) => {
    expect(() => setup(text)).toThrow(message);
  });
});
