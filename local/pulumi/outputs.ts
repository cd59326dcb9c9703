import { z } from "zod";
import { tlsModes } from "../../components/postgres/tls/args";
import type { StackOutputs } from "../../stacks/outputs";

const address = z.object({ host: z.string(), port: z.number() });
const endpoint = address.extend({ pod: z.string(), ordinal: z.number(), role: z.enum(["primary", "replica"]) });

const schema = z.object({
  endpoints: z.array(endpoint),
  primary: address,
  replicas: z.array(endpoint),
  service: z.string(),
  namespace: z.string(),
  database: z.string(),
  user: z.string(),
  secretName: z.string(),
  // Deployed by 0.3.0 or earlier.
  tls: z.object({ mode: z.enum(tlsModes), caCertificate: z.string().exactOptional() }).default({ mode: "off" }),
  storageClassName: z.string(),
  // Deployed by 0.2.0 or earlier: they come with the next `up`.
  passwords: z.record(z.string(), z.string()).default({}),
  connectionUri: z.string(),
  readOnlyUri: z.string(),
  readme: z.string(),
});

/** The outputs of a stack as the Automation API gives them; undefined where the stack is not deployed completely. */
export function readOutputs(map: Record<string, { value: unknown }>): StackOutputs | undefined {
  const values = Object.fromEntries(Object.entries(map).map(([name, { value }]) => [name, value]));
  const parsed = schema.safeParse(values);
  return parsed.success ? parsed.data : undefined;
}

/** Outputs without those that hold a password. */
export type PublicOutputs = Omit<StackOutputs, "connectionUri" | "readOnlyUri" | "passwords">;

/** What may be printed. */
export function withoutSecrets({ connectionUri, readOnlyUri, passwords, ...rest }: StackOutputs): PublicOutputs {
  return rest;
}
