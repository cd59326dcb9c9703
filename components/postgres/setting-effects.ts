import type {
  AcknowledgeArgs,
  EncryptionArgs,
  NetworkPolicyArgs,
  PostgresClusterArgs,
  Resources,
  UpdateStrategy,
} from "./args";
import { dataRows } from "./setting-rows/data";
import { networkRows } from "./setting-rows/network";
import { placeRows } from "./setting-rows/place";
import { podRows } from "./setting-rows/pods";
import type { SettingRow } from "./setting-rows/row";
import { tlsRows } from "./setting-rows/tls";
import type { CompleteTls } from "./tls/args";

type Nested = "encryption" | "resources" | "updateStrategy" | "networkPolicy" | "tls" | "acknowledge";

/** Every setting has its row: one that is added to the args does not compile without. */
interface SettingRows extends Record<Exclude<keyof PostgresClusterArgs, Nested>, SettingRow> {
  encryption: Record<keyof EncryptionArgs, SettingRow>;
  resources: Record<keyof Resources, SettingRow>;
  updateStrategy: Record<keyof UpdateStrategy, SettingRow>;
  networkPolicy: Record<keyof NetworkPolicyArgs, SettingRow>;
  acknowledge: Record<keyof AcknowledgeArgs, SettingRow>;
  tls: Record<keyof CompleteTls, SettingRow>;
}

/** In the order of the tables in README.md and docs/settings.md. */
const settingRows: SettingRows = { ...placeRows, ...podRows, ...networkRows, ...tlsRows, ...dataRows };

/** All rows by setting, those of nested settings as `resources.limits`. */
export function allSettingRows(): [setting: string, row: SettingRow][] {
  const isRow = (value: SettingRow | Record<string, SettingRow>): value is SettingRow =>
    typeof value.effect === "string";
  const rows: [string, SettingRow | Record<string, SettingRow>][] = Object.entries(settingRows);
  return rows.flatMap(([setting, value]) =>
    isRow(value)
      ? [[setting, value]]
      : Object.entries(value).map(([field, row]): [string, SettingRow] => [`${setting}.${field}`, row]),
  );
}
