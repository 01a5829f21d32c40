import { expect, it } from 'vitest';
import { describeErrno, SystemError } from './system-error.ts';

it('names the call, the subject and the reason', () => {
  const error = new SystemError(28, 'fallocate', 'disk.img');
  expect(error).toMatchObject({ code: 'ENOSPC', errno: 28, syscall: 'fallocate', message: 'fallocate disk.img: no space left on device (ENOSPC)' });
});

it('names what file systems say', () => {
  expect([74, 117].map((errno) => describeErrno(errno)[0])).toEqual(['EBADMSG', 'EUCLEAN']);
});

it('describes a number it does not know', () => {
  expect(describeErrno(9999)).toEqual(['E9999', 'error 9999']);
});
