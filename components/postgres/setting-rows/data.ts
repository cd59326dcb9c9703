import { type AcknowledgeArgs, withDefaults } from "../args";
import { code, limits } from "../setting-limits";
import type { SettingRow } from "./row";

const defaults = withDefaults({});
const addsOnly = "Made while the primary runs. Taking an entry out drops nothing.";
const once = "Opens that one change; once deployed, it can be taken out.";

/** What is in the database, who owns it, and what a person did to it. */
export const dataRows = {
  database: {
    meaning: "the app's database, made at the first start",
    default: code(defaults.database),
    limits: limits.database,
    effect: "refused",
    otherwise: [{ effect: "restart", when: "with `acknowledge.database`" }],
    change: "Further ones are made by `databases`.",
  },
  user: {
    meaning: "the app's role, made at the first start; owns the database, is not a superuser",
    default: code(defaults.user),
    limits: limits.user,
    effect: "refused",
    otherwise: [{ effect: "restart", when: "with `acknowledge.user`" }],
    change: "Further ones are made by `roles`.",
  },
  superuserAccess: {
    meaning: "whether the superuser `postgres` may connect over the network, with a generated password",
    default: code(defaults.superuserAccess),
    limits: limits.boolean,
    effect: "reload",
    change: "Becoming `false` takes the password away; open sessions go on.",
  },
  roles: {
    meaning: "login roles beside `user`, each with a generated password: a list of `{name, memberOf}`",
    default: "none",
    limits: limits.roles,
    effect: "reload",
    change: addsOnly,
  },
  databases: {
    meaning: "databases beside `database`: a list of `{name, owner}`",
    default: "none",
    limits: limits.databases,
    effect: "reload",
    change: addsOnly,
  },
  extensions: {
    meaning: "extensions that the image has: a list of `{name, database}`",
    default: "none",
    limits: limits.extensions,
    effect: "reload",
    change: `${addsOnly} ${code("pg_stat_statements")} and others need ${code("parameters.shared_preload_libraries")}.`,
  },
  passwordGeneration: {
    meaning: "raise it to renew the passwords",
    default: code(defaults.passwordGeneration),
    limits: "whole number from 1",
    effect: "reload",
    change: "Any change renews them, a lower number too. New sessions need the new password, open ones go on.",
  },
  recoverPrimaryFrom: {
    meaning: "after the primary's volume was lost: the replica to build it again from",
    default: "none",
    limits: "ordinal of a replica: from 1 to `replicas` - 1",
    effect: "reload",
    change: "Heeded only while the primary's volume is empty.",
  },
  acknowledge: {
    major: {
      meaning: "after the volumes were upgraded by hand: the major version of PostgreSQL that the data is of",
      default: "none",
      limits: "that of `image`",
      effect: "none",
      change: once,
    },
    database: {
      meaning: "after the app's database was renamed in SQL: its new name",
      default: "none",
      limits: "that of `database`",
      effect: "none",
      change: once,
    },
    user: {
      meaning: "after the app's role was renamed in SQL: its new name",
      default: "none",
      limits: "that of `user`",
      effect: "none",
      change: once,
    },
  },
} satisfies Record<string, SettingRow | Record<keyof AcknowledgeArgs, SettingRow>>;
