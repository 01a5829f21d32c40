import { defineConfig } from 'vitest/config';
import { NOT_EXCEPTED } from './scripts/oracle/exceptions.ts';
import { projectsOf } from './vitest.projects.ts';

/** The tests of all packages that run once more under the oracle, in one run. */
export default defineConfig({
  test: {
    projects: projectsOf('test:oracle', './vitest.oracle.config.ts', 'src/**/*.test.ts'),
    // Vitest reads this here only, and not from a project.
    testNamePattern: NOT_EXCEPTED,
    reporters: [['default', { summary: false }]],
    passWithNoTests: false,
  },
});
