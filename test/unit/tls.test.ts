import { createPrivateKey, X509Certificate } from "node:crypto";
import { expect } from "chai";
import * as fc from "fast-check";
import type { PostgresClusterArgs } from "../../components/postgres/args";
import { endpointsOf } from "../../components/postgres/endpoints";
import { serviceHost } from "../../components/postgres/names";
import { formatProblems } from "../../components/postgres/problem";
import { clusterSpec } from "../../components/postgres/spec";
import { makeAuthority } from "../../components/postgres/tls/authority";
import { certificateSpec, certifiedHosts, certifiedNames, tlsFile } from "../../components/postgres/tls/certificate";
import { parseSettings } from "../../stacks/settings";
import { TestAuthority } from "../certificates";
import { asConfig, type Plan, planOf } from "./plan";

const authority = new TestAuthority();
const server = authority.issue({ hosts: ["h"] }).certificate;
const issuer = { name: "ca", kind: "ClusterIssuer" };

/** Whether a certificate for these names is one for this host: as libpq, a wildcard stands for one label. */
const covers = (names: string[], host: string): boolean =>
  names.some((name) => name === host || (name.startsWith("*.") && name.slice(2) === host.slice(host.indexOf(".") + 1)));

describe("the names that certificates are for", () => {
  const label = fc.stringMatching(/^[a-z]([a-z0-9-]{0,20}[a-z0-9])?$/);

  it("are the hosts of all outputs, whatever the cluster is called and however many pods there are", () => {
    fc.assert(
      fc.property(label, label, fc.integer({ min: 1, max: 50 }), (name, namespace, replicas) => {
        const spec = clusterSpec({ name, namespace, replicas });
        const { statefulSet, headlessService, primaryService } = spec.names;
        const pods = endpointsOf(statefulSet, headlessService, namespace, replicas).map(({ host }) => host);
        for (const host of [...pods, serviceHost(primaryService, namespace)]) {
          expect(covers(certifiedHosts(spec), host), host).to.equal(true);
        }
      }),
    );
  });

  it("are also the short ones that the cluster's DNS resolves, and no other cluster's", () => {
    const names = certifiedNames(clusterSpec({ namespace: "shop" }));
    for (const host of [
      "postgres-primary",
      "postgres-primary.shop",
      "postgres-0.postgres-svc.shop.svc",
      "postgres-svc",
    ]) {
      expect(covers(names, host), host).to.equal(true);
    }
    for (const host of ["other-primary", "postgres-primary.other", "x.postgres-primary.shop.svc", "a.b.postgres-svc"]) {
      expect(covers(names, host), host).to.equal(false);
    }
  });
});

describe("an authority of the cluster's own", () => {
  it("may sign servers' certificates, and no other authorities", async () => {
    const { certificate, key } = await makeAuthority("shop/postgres");
    const parsed = new X509Certificate(certificate);
    expect(parsed).to.include({ ca: true, subject: "CN=shop/postgres", issuer: "CN=shop/postgres" });
    expect(parsed.validTo).to.equal("Dec 31 23:59:59 9999 GMT");
    expect(parsed.checkPrivateKey(createPrivateKey(key))).to.equal(true);
    expect(parsed.verify(parsed.publicKey)).to.equal(true);
    expect(parsed.toLegacyObject()).to.have.nested.property("asn1Curve", "prime256v1");
  });

  it("is another one each time, with a serial number of 16 bytes that is positive", async () => {
    const made = await Promise.all(Array.from({ length: 50 }, () => makeAuthority("x")));
    const serials = made.map(({ certificate }) => new X509Certificate(certificate).serialNumber);
    expect(new Set(serials).size).to.equal(made.length);
    for (const serial of serials) expect(serial).to.match(/^[4-7][0-9A-F]{31}$/);
  });
});

describe("the setting tls", () => {
  // Each row: what is wrong, the settings, and words that each problem's message must have.
  const wrong: [string, Record<string, unknown>, RegExp[]][] = [
    ["no mode", { tls: { mode: "on" } }, [/tls.mode: "on"[\s\S]*use one of: off, self-signed, secret, cert-manager/]],
    ["a field that is misspelt", { tls: { secretname: "x" } }, [/tls.secretname: "x"[\s\S]*did you mean secretName/]],
    [
      "a field of the issuer that is none",
      { tls: { mode: "cert-manager", issuer: { name: "a", typ: "b" } } },
      [/tls.issuer.typ: "b"[\s\S]*known: name, kind, group/],
    ],
    [
      "a Secret that is not named",
      { tls: { mode: "secret" } },
      [/tls.secretName: ""[\s\S]*name of the Secret[\s\S]*tls.crt, tls.key and ca.crt/],
    ],
    ["an issuer that is not named", { tls: { mode: "cert-manager" } }, [/tls.issuer: ""[\s\S]*Name an issuer/]],
    [
      "a Secret that nothing reads",
      { tls: { secretName: "x" } },
      [/tls.secretName: "x"[\s\S]*With tls.mode self-signed nothing reads it[\s\S]*set tls.mode to secret/],
    ],
    [
      "an issuer that nothing reads",
      { tls: { mode: "off", issuer } },
      [/tls.issuer: "ca"[\s\S]*mode off nothing reads it/],
    ],
    [
      "an authority that is made anyway",
      { tls: { caCertificate: authority.certificate } },
      [/tls.caCertificate: "-----BEGIN CERTIFICATE-----"[\s\S]*nothing reads it/],
    ],
    [
      "a Secret that the program makes",
      { tls: { mode: "secret", secretName: "postgres-secret" } },
      [/tls.secretName: "postgres-secret"[\s\S]*makes a Secret of this name itself/],
    ],
    [
      "a name that no Secret has",
      { tls: { mode: "secret", secretName: "My_Secret" } },
      [/tls.secretName: "My_Secret"[\s\S]*No Secret can have this name/],
    ],
    [
      "a kind that cert-manager does not have",
      { tls: { mode: "cert-manager", issuer: { name: "a", kind: "Vault" } } },
      [/tls.issuer.kind: "Vault"[\s\S]*Use Issuer or ClusterIssuer/],
    ],
    [
      "a kind that none can be",
      { tls: { mode: "cert-manager", issuer: { name: "A", kind: "x y", group: "a.b" } } },
      [/tls.issuer.name: "A"/, /tls.issuer.kind: "x y"/],
    ],
    [
      "a server's certificate for an authority",
      { tls: { mode: "secret", secretName: "x", caCertificate: server } },
      [/tls.caCertificate[\s\S]*no PEM of certificates of an authority/],
    ],
    [
      "a text for an authority",
      { tls: { mode: "secret", secretName: "x", caCertificate: "ca" } },
      [/tls.caCertificate: "ca"[\s\S]*no PEM/],
    ],
    [
      "an image without openssl",
      { image: "postgres:16-alpine" },
      [/tls.mode: "self-signed"[\s\S]*image postgres:16-alpine does not have/],
    ],
    [
      "all at once",
      { tls: { mode: "secret", issuer }, image: "postgres:16-alpine" },
      [/tls.issuer/, /tls.secretName/, /tls.mode/],
    ],
  ];
  for (const [title, settings, words] of wrong) {
    it(`is refused with ${title}`, () => {
      const { problems } = parseSettings(asConfig(settings));
      expect(
        problems.map(({ setting }) => setting),
        formatProblems(problems),
      ).to.have.length(words.length);
      for (const each of words) expect(formatProblems(problems)).to.match(each);
    });
  }

  const right: PostgresClusterArgs["tls"][] = [
    {},
    { mode: "off" },
    { mode: "self-signed" },
    { mode: "secret", secretName: "own.tls" },
    {
      mode: "secret",
      secretName: "own",
      caCertificate: `${authority.certificate}\n${new TestAuthority().certificate}`,
    },
    { mode: "cert-manager", issuer: { name: "ca" } },
    { mode: "cert-manager", issuer: { name: "ca", kind: "AWSPCAClusterIssuer", group: "awspca.cert-manager.io" } },
  ];
  for (const tls of right) {
    it(`may be ${JSON.stringify(tls).slice(0, 90)}`, () => {
      expect(parseSettings(asConfig({ tls })).problems).to.deep.equal([]);
    });
  }
});

describe("what the program makes for", () => {
  const planFor = (tls: object): Promise<Plan> =>
    planOf("tls", asConfig({ "kubernetes-postgres:tls": tls, "kubernetes-postgres:namespace": "shop" }));
  const made = ({ resources }: Plan): string[] =>
    resources.map(({ name }) => name).filter((name) => /authority|certificate/.test(name));

  it("tls.mode off: nothing, and no sslmode in the outputs", async () => {
    const plan = await planFor({ mode: "off" });
    expect(made(plan)).to.deep.equal([]);
    expect(plan.outputs.tls).to.deep.equal({ mode: "off" });
    expect(plan.outputs.connectionUri).to.not.contain("sslmode");
  });

  it("tls.mode self-signed: an authority that stays what it was first, before the pods", async () => {
    const plan = await planFor({});
    expect(made(plan)).to.deep.equal(["postgres-authority"]);
    const options = (name: string) => plan.resources.find((resource) => resource.name === name)?.options;
    expect(options("postgres-authority")).to.deep.include({ ignoreChanges: ["data"] });
    expect(options("postgres-stateful-set")?.dependsOn).to.include("postgres-authority");
  });

  it("tls.mode secret: nothing, and the authority that was given as output", async () => {
    const { certificate: caCertificate } = authority;
    const plan = await planFor({ mode: "secret", secretName: "own", caCertificate });
    expect(made(plan)).to.deep.equal([]);
    expect(plan.outputs.tls).to.deep.equal({ mode: "secret", caCertificate });
  });

  it("tls.mode cert-manager: a Certificate that is waited for, of the issuer and for all names", async () => {
    const plan = await planFor({ mode: "cert-manager", issuer });
    const certificate = plan.resources.find(({ name }) => name === "postgres-certificate");
    const spec = certificateSpec(clusterSpec({ namespace: "shop", tls: { mode: "cert-manager", issuer } }));
    expect(certificate?.type).to.equal("kubernetes:cert-manager.io/v1:Certificate");
    expect(certificate?.inputs).to.deep.include({ kind: "Certificate", spec });
    expect(certificate?.inputs).to.have.nested.property("metadata.annotations.pulumi\\.com/waitFor", "condition=Ready");
    expect(spec).to.deep.include({
      issuerRef: { ...issuer, group: "cert-manager.io" },
      duration: "2160h0m0s",
      renewBefore: "720h0m0s",
    });
    expect(tlsFile(clusterSpec({ tls: { mode: "cert-manager", issuer } }))).to.match(
      /^mode cert-manager\nsecret postgres-tls\n/,
    );
  });
});
