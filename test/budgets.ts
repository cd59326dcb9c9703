/**
 * What the program may cost, in counts that are the same on every machine. A change that needs more raises its number
 * here, where a reviewer sees it; one that needs less lowers it.
 */
export const budgets = {
  /** Resources of prod, with the stack, the provider and the component. */
  resources: 22,
  /** Files that prod loads beside those of Pulumi's SDK, itself included. */
  files: 26,
  /** Kilobytes of the one file that start.cjs makes of the program; half of it is what writes X.509 (components/postgres/tls). */
  kilobytes: 700,
  /** Instructions from the settings of one cluster to its objects, of Node 20 without a compiler (test/commands/instructions.test.ts). */
  instructions: 14_000_000,
  /** Requests of the provider to the API server, where nothing changes: how Pulumi's own CLI works, with no refresh. */
  requests: { preview: 2, up: 2 },
} as const;
