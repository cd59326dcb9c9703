import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";
import { at, textAt } from "../tools/json";
import { LocalError } from "../tools/run";
import { projectFolder, projectName } from "./paths";

/** A value of a stack's configuration, as YAML gives it. */
export type ConfigValue = string | number | boolean | null | ConfigValue[] | { [key: string]: ConfigValue };

/** Configuration by full key, e.g. `kubernetes-postgres:replicas`. */
export type StackConfig = Record<string, ConfigValue>;

/** `Pulumi.<stack>.yaml`. */
export interface StackFile {
  config: StackConfig;
  /** What the user's encrypted values were encrypted with beside the passphrase; undefined where there are none. */
  encryptionsalt: string | undefined;
}

/** Stacks that have a settings file. */
function knownStacks(folder = projectFolder): string[] {
  const names = readdirSync(folder).map((file) => /^Pulumi\.(.+)\.yaml$/.exec(file)?.[1]);
  return names.filter((name) => name !== undefined).sort();
}

/** @throws LocalError where there is no such file, it cannot be read, or it holds values that cannot be decrypted here. */
export function readStackFile(stack: string, folder = projectFolder): StackFile {
  const content = readContent(stack, folder);
  const file = fileOf(stack);
  const config = readConfig(at(content, "config"), file);
  const encrypted = encryptedKeys(config);
  if (encrypted.length === 0) return { config, encryptionsalt: undefined };
  const encryptionsalt = textAt(content, "encryptionsalt");
  refuseUnreadable(encrypted, file, encryptionsalt);
  return { config, encryptionsalt };
}

/**
 * The stack's settings where there is nothing to decrypt values with; other programs' configuration is left out.
 * @throws LocalError as {@link readStackFile}, and where one of these settings is encrypted.
 */
export function readPlainSettings(stack: string, folder = projectFolder): StackConfig {
  const file = fileOf(stack);
  const config = readConfig(at(readContent(stack, folder), "config"), file);
  const own = Object.fromEntries(Object.entries(config).filter(([key]) => key.startsWith(`${projectName}:`)));
  const encrypted = encryptedKeys(own);
  if (encrypted.length === 0) return own;
  throw new LocalError(
    `${file} holds encrypted settings (${encrypted.join(", ")}), which only Pulumi can read. ` +
      "None of this project's settings is a secret: write them in plain text.",
  );
}

const fileOf = (stack: string): string => `Pulumi.${stack}.yaml`;

const encryptedKeys = (config: StackConfig): string[] =>
  Object.keys(config).filter((key) => textAt(config[key], "secure") !== undefined);

function readContent(stack: string, folder: string): unknown {
  const file = fileOf(stack);
  const path = join(folder, file);
  if (!/^[A-Za-z0-9._-]+$/.test(stack) || !existsSync(path)) {
    throw new LocalError(
      `Stack ${stack}: there is no ${file}. Stacks here: ${knownStacks(folder).join(", ")}. ` +
        `For a new one, copy one of their files to ${file} and change its namespace.`,
    );
  }
  try {
    return parse(readFileSync(path, "utf8"));
  } catch (error) {
    const words = error instanceof Error ? error.message : `${error}`;
    throw new LocalError(`${file} is not YAML: ${words.trim()}\nMend it and start again.`);
  }
}

function readConfig(section: unknown, file: string): StackConfig {
  if (section === undefined || section === null) return {};
  const value = configValue(section, file);
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw new LocalError(`${file}: "config" is not a set of settings. Write one setting a line below it.`);
  }
  return value;
}

/** YAML's values without those that JSON does not have (dates, sets). */
function configValue(value: unknown, file: string): ConfigValue {
  if (value === null || typeof value === "string" || typeof value === "number" || typeof value === "boolean")
    return value;
  if (Array.isArray(value)) return value.map((entry) => configValue(entry, file));
  if (typeof value !== "object") throw new LocalError(`${file}: ${String(value)} is not a value of a setting.`);
  return Object.fromEntries(Object.entries(value).map(([key, entry]) => [key, configValue(entry, file)]));
}

function refuseUnreadable(encrypted: string[], file: string, salt: string | undefined): void {
  const passphrase = process.env.PULUMI_CONFIG_PASSPHRASE ?? process.env.PULUMI_CONFIG_PASSPHRASE_FILE;
  if (salt !== undefined && passphrase !== undefined) return;
  throw new LocalError(
    `${file} holds encrypted values (${encrypted.join(", ")}) that cannot be read here: ` +
      (salt === undefined
        ? "they belong to your Pulumi's own secrets provider. Deploy this stack with pulumi itself."
        : "set PULUMI_CONFIG_PASSPHRASE or PULUMI_CONFIG_PASSPHRASE_FILE to their passphrase and start again."),
  );
}

/** The project's own settings as the program gets them: text, without the project's name. */
export function rawSettings(config: StackConfig): Record<string, string> {
  const prefix = `${projectName}:`;
  const own = Object.entries(config).filter(([key, value]) => key.startsWith(prefix) && value !== null);
  return Object.fromEntries(
    own.map(([key, value]) => [
      key.slice(prefix.length),
      typeof value === "object" ? JSON.stringify(value) : `${value}`,
    ]),
  );
}

/** Settings by their short names, in configuration's form; `undefined` removes one. */
export type SettingChanges = Record<string, ConfigValue | undefined>;

/** A configuration with settings of the project changed. */
export function withSettings(config: StackConfig, changes: SettingChanges): StackConfig {
  const changed: StackConfig = { ...config };
  for (const [name, value] of Object.entries(changes)) {
    const key = name.includes(":") ? name : `${projectName}:${name}`;
    if (value === undefined) delete changed[key];
    else changed[key] = value;
  }
  return changed;
}
