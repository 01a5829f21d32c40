// What a changelog has: what changesets say, in their words. No commits, and no line for a dependency that is another version's: all
// packages have one version.
module.exports = {
  getReleaseLine: async ({ summary }) => {
    const [first, ...rest] = summary.split('\n').map((line) => line.trimEnd());
    return [`- ${first}`, ...rest.map((line) => (line === '' ? '' : `  ${line}`))].join('\n');
  },
  getDependencyReleaseLine: async () => '',
};
