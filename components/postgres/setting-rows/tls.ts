import { withDefaults } from "../args";
import { code } from "../setting-limits";
import { type CompleteTls, ownIssuerKinds, tlsModes } from "../tls/args";
import type { SettingRow } from "./row";

/** Encryption of connections. */
export const tlsRows = {
  tls: {
    mode: {
      meaning: "where the servers' certificates come from; without TLS nobody connects, but with `off`",
      default: code(withDefaults({}).tls.mode),
      limits: tlsModes,
      effect: "restart",
      change: "A replica does not stream until the primary has restarted, too. Clients must be able to use TLS before.",
    },
    secretName: {
      meaning: "with `secret`: the Secret with `tls.crt`, `tls.key` and `ca.crt`",
      default: "none",
      limits: "`a-z`, `0-9`, `-`, `.`",
      effect: "restart",
      change: "What is in the Secret may change at any time: servers reload it within about a minute.",
    },
    issuer: {
      meaning: "with `cert-manager`: who issues the certificate, `{name, kind, group}`",
      default: `kind ${code(ownIssuerKinds[0])}, group ${code("cert-manager.io")}`,
      limits: `kind ${ownIssuerKinds.map(code).join(" or ")}; any with a group of its own`,
      effect: "none",
      change: "cert-manager renews the certificate, and servers reload it within about a minute.",
    },
    caCertificate: {
      meaning: "with `secret` and `cert-manager`: PEM of the authority, for the outputs",
      default: "none: clients encrypt without verifying",
      limits: "one or more certificates of an authority",
      effect: "none",
      change: "Apps have it by an `up` of their own.",
    },
  },
} satisfies Record<string, Record<keyof CompleteTls, SettingRow>>;
