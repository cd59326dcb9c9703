import { expect } from "chai";
import type { Pod } from "./harness";

/** Of the generated roles, by the keys of the Secret. */
export const passwords = { READONLY_PASSWORD: "readonly-secret-1", MONITORING_PASSWORD: "monitoring-secret-1" };

/** The generated roles are there, with their rights. */
export const given = /made role monitoring a member of pg_monitor/;

/** SQL over TCP as one of the generated roles. */
export const as = (pod: Pod, role: "readonly" | "monitoring", sql = "SELECT 1", database = "myapp") =>
  pod.login(role, `${role}-secret-1`, database, sql);

/** SQL over TCP as the app. */
export async function app(pod: Pod, ...statements: string[]): Promise<void> {
  expect(await pod.login("appuser", "app-secret-1", "myapp", statements.join(";"))).to.include({ code: 0, stderr: "" });
}
