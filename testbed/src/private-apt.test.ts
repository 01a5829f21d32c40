import { expect, it } from 'vitest';
import { parseSimulation } from './private-apt.ts';

it('parseSimulation names the files that would be downloaded', () => {
  const text = [
    'NOTE: This is only a simulation!',
    'Inst gcc-14-base (14.2.0-19 Debian:13.6/stable [amd64])',
    'Inst libc6 (2.41-12+deb13u4 Debian:13.6/stable [amd64]) []',
    'Inst qemu-system-data (1:11.1.3+ds-1~bpo13+1 Debian Backports:stable-backports [all])',
    'Conf gcc-14-base (14.2.0-19 Debian:13.6/stable [amd64])',
    '',
  ].join('\n');
  expect(parseSimulation(text)).toEqual(['gcc-14-base_14.2.0-19_amd64.deb', 'libc6_2.41-12+deb13u4_amd64.deb', 'qemu-system-data_1%3a11.1.3+ds-1~bpo13+1_all.deb']);
});
