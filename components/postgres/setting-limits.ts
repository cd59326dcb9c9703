import { longestIdentifier, takenNames } from "./additions/check";
import { clouds, workloads } from "./args";
import { longestNamespace } from "./names";
import { knownMajors } from "./parameters/catalog";
import { smallestMemoryBytes, smallestStorageBytes } from "./parameters/sizing";
import { formatBytes, parseBytes } from "./quantity";
import { minimumStorageSize } from "./storage-class";
import { largestId, longestName } from "./validate";

/** A value in Markdown. */
export const code = (value: unknown): string => `\`${value}\``;

const list = (values: readonly string[]): string => values.map(code).join(", ");
const identifier = (setting: "database" | "user"): string =>
  `1 to ${longestIdentifier} bytes; not ${list(takenNames[setting])}`;

/** What settings accept, in words, with the numbers that `clusterProblems` judges by. */
export const limits = {
  boolean: list(["true", "false"]),
  name: `1 to ${longestName} of \`a-z\`, \`0-9\`, \`-\`, starting with a letter`,
  namespace: `1 to ${longestNamespace} of \`a-z\`, \`0-9\`, \`-\`; not \`kube-*\``,
  image: `an image reference; PostgreSQL ${Math.min(...knownMajors)} or newer`,
  database: `${identifier("database")}; no connection string`,
  user: `${identifier("user")}, \`pg_*\``,
  roles: `names of \`a-z\`, \`0-9\`, \`_\`, up to ${longestIdentifier}; not ${list(takenNames.user)}, \`pg_*\` or \`user\``,
  databases: `names of \`a-z\`, \`0-9\`, \`_\`, \`-\`, up to ${longestIdentifier}; owner: \`user\` or one of \`roles\``,
  extensions: "names of `a-z`, `0-9`, `_`, `-`; database: `database`, `postgres` or one of `databases`",
  clients: "each entry with at least one of the three; names and labels as Kubernetes has them",
  resourceLimits: `\`cpu\`, and \`memory\` of ${formatBytes(smallestMemoryBytes)} or more`,
  storageSize: storageLimits(),
  numericId: `whole number from 1 to ${largestId}; root cannot run PostgreSQL`,
};

/** The least of all, and the disks that need more. */
function storageLimits(): string {
  const bytes = (size: string): number => {
    const reading = parseBytes(size);
    return reading.ok ? reading.value : 0;
  };
  const larger = clouds.flatMap((cloud) => {
    const sizes = workloads.map((workload) => ({ workload, least: minimumStorageSize(cloud, workload) }));
    const needing = sizes.filter(({ least }) => bytes(least) > smallestStorageBytes);
    if (needing.length === sizes.length) return [`${needing[0]?.least} on ${cloud}`];
    return needing.map(({ workload, least }) => `${least} on ${cloud} for ${workload}`);
  });
  return [`${formatBytes(smallestStorageBytes)} or more`, ...larger].join("; ");
}
