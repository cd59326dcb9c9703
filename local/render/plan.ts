import { join } from "node:path";
import * as pulumi from "@pulumi/pulumi";
import { projectFolder, projectName } from "../pulumi/paths";

/** One resource of a plan: what the program registered, with the options the engine acts on. */
export interface PlannedResource {
  type: string;
  name: string;
  options: Record<string, unknown>;
  inputs: Record<string, unknown>;
}

/** What the program makes of settings, without an engine and without a cluster. */
export interface Plan {
  resources: PlannedResource[];
  outputs: Record<string, unknown>;
  /** Names of the outputs that are secret. */
  secrets: string[];
}

/** What the mocked provider generates as a password: a value that may be found nowhere but in a secret. */
export const generatedPassword = "generated-password";

/** What the mocked provider gives as the ARN of a key that the program makes. */
export const createdKey = "arn-of-the-created-key";

/**
 * Runs the program against mocked providers and returns everything it registered, in order of registration.
 * @param config by full key, as the engine hands it to the program: every value is text.
 * @throws what the program throws.
 */
export async function planOf(stack: string, config: Record<string, string>): Promise<Plan> {
  const resources: PlannedResource[] = [];
  const options = new Map<string, Record<string, unknown>>();
  await pulumi.runtime.setMocks(
    {
      call: ({ inputs }) => inputs,
      newResource: ({ type, name, inputs }) => {
        resources.push({ type, name, inputs, options: options.get(`${type} ${name}`) ?? {} });
        return { id: `${name}-id`, state: { ...inputs, ...outputsOf(type) } };
      },
    },
    projectName,
    stack,
  );
  pulumi.runtime.setAllConfig(config);
  const program = require.resolve(join(projectFolder, "index"));
  delete require.cache[program];
  const outputs: Record<string, unknown> = {};
  const secrets: string[] = [];
  await pulumi.runtime.runInPulumiStack(async () => {
    pulumi.runtime.registerStackTransformation(({ type, name, opts }) => {
      options.set(`${type} ${name}`, readableOptions(opts));
      return undefined;
    });
    const exported: Record<string, pulumi.Output<unknown>> = require(program);
    for (const [name, output] of Object.entries(exported)) {
      outputs[name] = await new Promise((resolve) => output.apply(resolve));
      if (await pulumi.isSecret(output)) secrets.push(name);
    }
  });
  await pulumi.runtime.disconnect();
  return { resources, outputs, secrets };
}

/** What a provider would add to the inputs. */
function outputsOf(type: string): Record<string, unknown> {
  switch (type) {
    case "random:index/randomPassword:RandomPassword":
      return { result: pulumi.secret(generatedPassword) };
    case "aws:kms/key:Key":
      return { arn: createdKey, keyId: "id-of-the-created-key" };
    default:
      return {};
  }
}

/** The options a reviewer cares about; those that are off are left out. */
function readableOptions(opts: pulumi.CustomResourceOptions): Record<string, unknown> {
  const { protect, retainOnDelete, ignoreChanges, replaceOnChanges, deleteBeforeReplace } = opts;
  const dependsOn = dependencies(opts.dependsOn).map(resourceName);
  const kept = { protect, retainOnDelete, ignoreChanges, replaceOnChanges, deleteBeforeReplace };
  const all = { ...kept, dependsOn: dependsOn.length > 0 ? dependsOn : undefined };
  return Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined && value !== false));
}

function dependencies(dependsOn: pulumi.CustomResourceOptions["dependsOn"]): unknown[] {
  if (dependsOn === undefined) return [];
  return Array.isArray(dependsOn) ? dependsOn : [dependsOn];
}

/** A resource's name in the program, as the SDK keeps it. @throws Error for what is no resource: the plan would hide it. */
function resourceName(resource: unknown): string {
  if (pulumi.Resource.isInstance(resource) && "__name" in resource) return `${resource.__name}`;
  throw new Error("dependsOn holds something that is not a resource");
}
