/** What all of our tests have in common, whichever of the configurations runs them. */
export const SHARED = {
  // A process for each file where one takes all descriptors or counts what its process has. The others say --no-isolate, which takes half the time.
  pool: 'forks' as const,
  // Node 20 reads these certificates at each start, also where nothing is fetched, which takes longer than the rest of its start.
  env: { NODE_EXTRA_CA_CERTS: '' },
  // What other packages are is compiled already: node loads it as it is.
  server: { deps: { external: [/\/dist\//] } },
  // Limits end a hang, on a machine with forty times as much to do as it can.
  testTimeout: 600_000,
  hookTimeout: 600_000,
  expect: { poll: { timeout: 240_000 } },
  passWithNoTests: false,
};
