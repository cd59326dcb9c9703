import { SettingsError } from "../../components/settings-error";
import { parseSettings } from "../../stacks/settings";
import { projectName } from "../pulumi/paths";
import { rawSettings, readPlainSettings, type StackConfig } from "../pulumi/stack-file";
import { guideFile, type Written, writeFolder } from "./folder";
import { guide } from "./guide";
import { authoritiesOf, type Manifest, manifestsOf } from "./manifests";
import { type Plan, planOf } from "./plan";
import { toYaml } from "./yaml";

/** What to render, and where to. */
export interface RenderRequest {
  stack: string;
  /** Absolute path of the folder for the manifests. */
  folder: string;
  /** Takes the place of the settings in `Pulumi.<stack>.yaml`. */
  config?: StackConfig;
}

/**
 * Writes what `up` would send for a stack as files, without secrets.
 * @throws SettingsError with all problems, LocalError for a stack that is not there or a folder that cannot be used;
 * nothing is written then.
 */
export async function renderStack({
  stack,
  folder,
  config = readPlainSettings(stack),
}: RenderRequest): Promise<Written> {
  const plan = await renderPlan(stack, config);
  const manifests = manifestsOf(plan);
  const files = manifests.map(({ path, object }) => [path, toYaml(object)]);
  return writeFolder(folder, stack, {
    [guideFile]: guide(stack, manifests, authoritiesOf(plan)),
    ...Object.fromEntries(files),
  });
}

/** The manifests of a stack. @throws SettingsError with all problems. */
export async function renderManifests(stack: string, config: StackConfig): Promise<Manifest[]> {
  return manifestsOf(await renderPlan(stack, config));
}

async function renderPlan(stack: string, config: StackConfig): Promise<Plan> {
  const settings = rawSettings(config);
  const { problems } = parseSettings(settings);
  if (problems.length > 0) throw new SettingsError(problems);
  const full = Object.entries(settings).map(([name, value]) => [`${projectName}:${name}`, value]);
  return planOf(stack, Object.fromEntries(full));
}
