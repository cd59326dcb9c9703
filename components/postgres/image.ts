/**
 * The PostgreSQL major version that an image reference names, or undefined where it names none (`postgres`, `postgres:latest`,
 * a digest alone, an own build's tag): then a caller judges by the newest major it knows, and the pod itself has the last word.
 *
 * Read are a tag that starts with the version (`postgres:16.4-bookworm`, `ghcr.io/cloudnative-pg/postgresql:17.2-3`) and the
 * `pg17` of images whose own version comes first (`timescale/timescaledb:2.17.2-pg17`, `pgvector/pgvector:0.8.0-pg17`).
 */
export function majorOfImage(image: string): number | undefined {
  const name = image.split("@", 1)[0] ?? "";
  // A colon before the last slash belongs to the registry's port.
  const tag = name.slice(name.lastIndexOf("/") + 1).split(":")[1] ?? "";
  const spelled = /(?:^|[^a-z0-9])(?:pg|postgres|postgresql)-?v?([0-9]{1,2})(?![0-9])/i.exec(tag)?.[1];
  const leading = /^v?([0-9]{1,2})(?=$|[^0-9a-z]|alpha|beta|rc)/i.exec(tag)?.[1];
  const major = Number(spelled ?? leading);
  // Below 9 it is some other product's version (Spilo's 4.0, Timescale's 2.17).
  return major >= 9 ? major : undefined;
}
