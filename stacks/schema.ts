import * as z from "zod";
import { clouds, podManagementPolicies, updateStrategies, workloads } from "../components/postgres/args";
import { tlsModes } from "../components/postgres/tls/args";

// Configuration holds text; every setting is read from it and says in its own words what it accepts.
const integer = z
  .string()
  .regex(/^[+-]?\d+$/, "is not a whole number")
  .transform(Number);
const boolean = z.enum(["true", "false"]).transform((text) => text === "true");
const text = z.string({ error: "is not text" }).min(1, "is empty");
const scalar = z
  .union([z.string(), z.number(), z.boolean()], { error: "is not a single value" })
  .transform((value) => `${value}`);

const structured = <T extends z.ZodType>(schema: T) =>
  z
    .string()
    .transform((json, context) => {
      try {
        const value: unknown = JSON.parse(json);
        return value;
      } catch {
        context.addIssue({ code: "custom", message: "is not a set of fields or a list" });
        return z.NEVER;
      }
    })
    .pipe(schema);

const quantities = z.strictObject({ cpu: scalar.optional(), memory: scalar.optional() }, { error: fields });

const name = z
  .string({ error: ({ input }) => (input === undefined ? "is missing" : "is not text") })
  .min(1, "is empty");

const labels = z.record(z.string(), scalar, { error: fields });

/** A list of things with these fields. */
const list = <T extends z.ZodRawShape>(item: T) =>
  structured(z.array(z.strictObject(item, { error: fields }), { error: "is not a list" }));

function fields(issue: { code: string }): string | undefined {
  return issue.code === "invalid_type" ? "is not a set of fields" : undefined;
}

/** Every setting of a stack; Pulumi.yaml declares the same ones to Pulumi, with defaults and descriptions. */
export const settingsSchema = z.strictObject({
  cloud: z.enum(clouds).optional(),
  workload: z.enum(workloads).optional(),
  name: text.optional(),
  namespace: text.optional(),
  createNamespace: boolean.optional(),
  image: text.optional(),
  replicas: integer.optional(),
  synchronousReplicas: integer.optional(),
  storageSize: text.optional(),
  storageClassName: text.optional(),
  encryption: structured(
    z.strictObject(
      { createKey: z.boolean({ error: "is not true or false" }).optional(), keyId: name.optional() },
      { error: fields },
    ),
  ).optional(),
  database: text.optional(),
  user: text.optional(),
  superuserAccess: boolean.optional(),
  roles: list({ name, memberOf: z.array(name, { error: "is not a list" }).optional() }).optional(),
  databases: list({ name, owner: name.optional() }).optional(),
  extensions: list({ name, database: name.optional() }).optional(),
  tls: structured(
    z.strictObject(
      {
        mode: z.enum(tlsModes).optional(),
        secretName: text.optional(),
        issuer: z.strictObject({ name, kind: text.optional(), group: text.optional() }, { error: fields }).optional(),
        caCertificate: text.optional(),
      },
      { error: fields },
    ),
  ).optional(),
  resources: structured(
    z.strictObject({ requests: quantities.optional(), limits: quantities.optional() }, { error: fields }),
  ).optional(),
  parameters: structured(z.record(z.string(), scalar, { error: fields })).optional(),
  podManagementPolicy: z.enum(podManagementPolicies).optional(),
  updateStrategy: structured(
    z.strictObject(
      {
        type: z.enum(updateStrategies).optional(),
        partition: z.int({ error: "is not a whole number" }).optional(),
      },
      { error: fields },
    ),
  ).optional(),
  keepVolumes: boolean.optional(),
  protect: boolean.optional(),
  passwordGeneration: integer.optional(),
  recoverPrimaryFrom: integer.optional(),
  networkPolicy: structured(
    z.strictObject(
      {
        enabled: z.boolean({ error: "is neither true nor false" }).optional(),
        clients: z
          .array(
            z.strictObject(
              { namespace: name.optional(), namespaceLabels: labels.optional(), podLabels: labels.optional() },
              { error: fields },
            ),
            { error: "is not a list" },
          )
          .optional(),
      },
      { error: fields },
    ),
  ).optional(),
  acknowledge: structured(
    z.strictObject(
      {
        major: z.int({ error: "is not a whole number" }).optional(),
        database: name.optional(),
        user: name.optional(),
      },
      { error: fields },
    ),
  ).optional(),
  runAsUser: integer.optional(),
  runAsGroup: integer.optional(),
});

/** The settings after reading, before defaults. */
export type Settings = z.output<typeof settingsSchema>;

/** Names of all settings. */
export const settingNames: string[] = Object.keys(settingsSchema.shape);
