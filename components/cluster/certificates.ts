import { CustomResource } from "@pulumi/kubernetes/apiextensions/customResource";
import * as core from "@pulumi/kubernetes/core/v1";
import * as pulumi from "@pulumi/pulumi";
import type { ClusterSpec } from "../postgres/spec";
import { makeAuthority } from "../postgres/tls/authority";
import { certificateSpec } from "../postgres/tls/certificate";
import type { Place } from "./place";

/** What the pods' certificates come from, and how clients verify them. */
export interface Certificates {
  resources: pulumi.Resource[];
  /** PEM of the authority that clients verify the servers by; undefined where none is known. */
  caCertificate: pulumi.Output<string | undefined>;
}

/** Nothing for TLS that is off, or with a Secret of the user's. */
export function createCertificates(place: Place, spec: ClusterSpec, dependsOn: pulumi.Resource[]): Certificates {
  switch (spec.tls.mode) {
    case "self-signed":
      return createAuthority(place, spec, dependsOn);
    case "cert-manager":
      return { resources: [createCertificate(place, spec, dependsOn)], caCertificate: given(spec) };
    default:
      return { resources: [], caCertificate: given(spec) };
  }
}

const given = ({ tls }: ClusterSpec): pulumi.Output<string | undefined> => pulumi.output(tls.caCertificate);

/**
 * The authority is generated anew by each run of the program, and only the first one counts: later changes of the data are
 * ignored. So it needs no provider, and lives in the state as any Secret does. Deleted by hand, it is replaced by a new one.
 */
function createAuthority({ parent, childName }: Place, spec: ClusterSpec, dependsOn: pulumi.Resource[]): Certificates {
  const { names, namespace, labels } = spec;
  const authority = makeAuthority(`${namespace}/${names.statefulSet}`);
  const encoded = (text: Promise<string>): pulumi.Output<string> =>
    pulumi.output(text).apply((pem) => Buffer.from(pem).toString("base64"));
  const data = {
    "ca.crt": encoded(authority.then(({ certificate }) => certificate)),
    "ca.key": pulumi.secret(encoded(authority.then(({ key }) => key))),
  };
  const secret = new core.Secret(
    childName("authority"),
    { metadata: { name: names.authoritySecret, namespace, labels }, type: "Opaque", data },
    { parent, dependsOn, ignoreChanges: ["data"] },
  );
  const decoded = (encodedPem: string | undefined): string | undefined =>
    encodedPem === undefined ? undefined : Buffer.from(encodedPem, "base64").toString();
  const caCertificate = pulumi.unsecret(secret.data.apply((kept) => decoded(kept?.["ca.crt"])));
  return { resources: [secret], caCertificate };
}

/** Ready when cert-manager has issued it, so that the pods find it when they start. */
function createCertificate(
  { parent, childName }: Place,
  spec: ClusterSpec,
  dependsOn: pulumi.Resource[],
): CustomResource {
  const { names, namespace, labels } = spec;
  const annotations = { "pulumi.com/waitFor": "condition=Ready" };
  return new CustomResource(
    childName("certificate"),
    {
      apiVersion: "cert-manager.io/v1",
      kind: "Certificate",
      metadata: { name: names.certificate, namespace, labels, annotations },
      spec: certificateSpec(spec),
    },
    { parent, dependsOn },
  );
}
