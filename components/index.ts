/** The components of the package, for programs in other languages: `pulumi package add`. */
export { PostgresCluster } from "./postgres-cluster";
