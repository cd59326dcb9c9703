import { X509Certificate } from "node:crypto";
import type { CompleteArgs } from "../args";
import { namesOf } from "../names";
import { type Problem, when } from "../problem";
import { ownIssuerKinds, type TlsMode } from "./args";

const subdomain = /^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?$/;
const kind = /^[A-Z][A-Za-z0-9]{0,62}$/;

/** What cannot work about the setting `tls`. */
export function tlsProblems({ tls, image, name }: CompleteArgs): Problem[] {
  const { mode, secretName, issuer, caCertificate } = tls;
  const belongsTo = (field: string, asked: string | undefined, modes: readonly TlsMode[]): Problem[] =>
    when(asked !== undefined && !modes.includes(mode), {
      setting: `tls.${field}`,
      asked: asked ?? "",
      why: `With tls.mode ${mode} nothing reads it.`,
      fix: `Leave it out, or set tls.mode to ${modes.join(" or ")}.`,
    });
  const isNeeded = (field: string, isMissing: boolean, what: string, fix: string): Problem[] =>
    when(isMissing, { setting: `tls.${field}`, asked: "", why: `With tls.mode ${mode} ${what}.`, fix });
  return [
    ...belongsTo("secretName", secretName, ["secret"]),
    ...belongsTo("issuer", issuer?.name, ["cert-manager"]),
    ...belongsTo("caCertificate", caCertificate && firstLine(caCertificate), ["secret", "cert-manager"]),
    ...isNeeded(
      "secretName",
      mode === "secret" && secretName === undefined,
      "the pods need the name of the Secret with the certificate",
      "Name a Secret of the cluster's namespace that has tls.crt, tls.key and ca.crt.",
    ),
    ...isNeeded(
      "issuer",
      mode === "cert-manager" && issuer === undefined,
      "there has to be somebody who issues the certificate",
      "Name an issuer: tls: {mode: cert-manager, issuer: {name: my-issuer, kind: ClusterIssuer}}.",
    ),
    ...when(secretName !== undefined && !subdomain.test(secretName), {
      setting: "tls.secretName",
      asked: secretName ?? "",
      why: 'No Secret can have this name: only a-z, 0-9, "-" and "." are possible.',
      fix: "Use a name that `kubectl get secrets` lists.",
    }),
    ...when(secretName !== undefined && isOwn(secretName, name), {
      setting: "tls.secretName",
      asked: secretName ?? "",
      why: "The program makes a Secret of this name itself, with other things in it.",
      fix: "Use the Secret that has your certificate, by another name.",
    }),
    ...issuerProblems(issuer),
    ...when(caCertificate !== undefined && !isAuthority(caCertificate), {
      setting: "tls.caCertificate",
      asked: firstLine(caCertificate ?? ""),
      why: "It is no PEM of certificates of an authority (CA:TRUE): clients could verify no server by it.",
      fix: "Use what is in ca.crt of the Secret: -----BEGIN CERTIFICATE----- and the lines that follow.",
    }),
    ...when(mode !== "off" && /alpine/.test(image), {
      setting: "tls.mode",
      asked: mode,
      why: `The pods check and make certificates by openssl, which image ${image} does not have.`,
      fix: "Use an image that has it, such as postgres:16, or set tls.mode to off.",
    }),
  ];
}

function issuerProblems(issuer: CompleteArgs["tls"]["issuer"]): Problem[] {
  if (issuer === undefined) return [];
  const wrong = (field: "name" | "kind" | "group", isRight: boolean, fix: string): Problem[] =>
    when(!isRight, {
      setting: `tls.issuer.${field}`,
      asked: issuer[field],
      why: `No issuer can have this ${field}.`,
      fix,
    });
  const own = issuer.group === "cert-manager.io";
  return [
    ...wrong("name", subdomain.test(issuer.name), "Use a name that `kubectl get issuers,clusterissuers -A` lists."),
    ...wrong(
      "kind",
      own ? ownIssuerKinds.some((known) => known === issuer.kind) : kind.test(issuer.kind),
      own
        ? `Use ${ownIssuerKinds.join(" or ")}; for an external issuer set its group, too.`
        : "Write it like AWSPCAIssuer.",
    ),
    ...wrong("group", subdomain.test(issuer.group), "Write it like cert-manager.io or awspca.cert-manager.io."),
  ];
}

/** Whether a Secret is one that the program makes for a cluster of this name. */
function isOwn(secretName: string, name: string): boolean {
  const { secret, authoritySecret } = namesOf(name);
  return secretName === secret || secretName === authoritySecret;
}

/** Whether a text is one certificate or more, each of an authority. */
function isAuthority(text: string): boolean {
  const blocks = text.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? [];
  try {
    return blocks.length > 0 && blocks.every((block) => new X509Certificate(block).ca);
  } catch {
    return false;
  }
}

const firstLine = (text: string): string => text.trim().split("\n", 1)[0] ?? "";
