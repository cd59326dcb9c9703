import { expect } from "chai";
import { clouds } from "../../components/postgres/args";
import { judge, violationsIn } from "../../policy/judge";
import { type Resource, type RuleSettings, rules, stackRules } from "../../policy/rules";
import { planOf, stackConfig } from "./plan";

const core = "kubernetes:core/v1:";
const apps = "kubernetes:apps/v1:";

/** A resource that runs one container. */
const running = (container: object, kind = `${apps}StatefulSet`, pod: object = {}): Resource => ({
  type: kind,
  props: { spec: { template: { spec: { ...pod, containers: [{ name: "app", ...container }] } } } },
});
const service = (spec: object): Resource => ({ type: `${core}Service`, props: { spec } });
const configMap = (data: object): Resource => ({ type: `${core}ConfigMap`, props: { data } });
const password = (length: number): Resource => ({
  type: "random:index/randomPassword:RandomPassword",
  props: { length },
});
const storageClass = (props: object): Resource => ({ type: "kubernetes:storage.k8s.io/v1:StorageClass", props });
const set = (policy: object): Resource => ({
  type: `${apps}StatefulSet`,
  props: { spec: { persistentVolumeClaimRetentionPolicy: policy } },
});
const networking = "kubernetes:networking.k8s.io/v1:";
const incoming = (rule: object): Resource => ({
  type: `${networking}NetworkPolicy`,
  props: { spec: { ingress: [rule] } },
});
const limits = { cpu: "1", memory: "1Gi" };
const env = (name: string, value: string): Resource => running({ env: [{ name, value }] });

/** By rule: what it lets through, and what it finds with words of the message. */
const examples: Record<string, { kept: [Resource, RuleSettings?][]; broken: [Resource, RegExp, RuleSettings?][] }> = {
  "no-public-exposure": {
    kept: [
      [service({ type: "ClusterIP" })],
      [service({})],
      [running({ ports: [{ containerPort: 5432 }] })],
      [{ type: `${core}ServicePatch`, props: { spec: { type: "ClusterIP" } } }],
      [{ type: `${core}ServiceList`, props: { items: [service({}).props] } }],
      [{ type: "aws:ec2/route:Route", props: {} }],
    ],
    broken: [
      [service({ type: "LoadBalancer" }), /type LoadBalancer is reachable from outside\. Use ClusterIP/],
      [service({ type: "NodePort" }), /type NodePort/],
      [service({ externalIPs: ["10.0.0.1"] }), /externalIPs/],
      [{ type: "kubernetes:networking.k8s.io/v1:Ingress", props: {} }, /kind Ingress/],
      [{ type: "kubernetes:gateway.networking.k8s.io/v1alpha2:TCPRoute", props: {} }, /kind TCPRoute/],
      ...["HTTPRoute", "Gateway"].map((kind): [Resource, RegExp] => [
        { type: `kubernetes:gateway.networking.k8s.io/v1:${kind}`, props: {} },
        new RegExp(`kind ${kind} `),
      ]),
      ...["IngressRoute", "IngressRouteTCP", "IngressRouteUDP"].map((kind): [Resource, RegExp] => [
        { type: `kubernetes:traefik.io/v1alpha1:${kind}`, props: {} },
        new RegExp(`kind ${kind} `),
      ]),
      [{ type: "kubernetes:route.openshift.io/v1:Route", props: {} }, /kind Route /],
      [{ type: "kubernetes:networking.k8s.io/v1:IngressPatch", props: {} }, /kind Ingress /],
      [{ type: `${core}ServicePatch`, props: { spec: { type: "NodePort" } } }, /type NodePort/],
      [{ type: `${core}ServiceList`, props: { items: [{}, { spec: { type: "LoadBalancer" } }] } }, /type LoadBalancer/],
      [{ type: `${core}List`, props: { items: [{ kind: "Service", spec: { type: "NodePort" } }] } }, /type NodePort/],
      [running({}, `${apps}Deployment`, { hostNetwork: true }), /hostNetwork/],
      [running({ ports: [{ hostPort: 5432 }] }), /hostPort.*container app/],
    ],
  },
  "clients-named": {
    kept: [
      [incoming({ from: [{ podSelector: {} }], ports: [{ port: 5432 }] })],
      [incoming({ from: [{ namespaceSelector: { matchLabels: { team: "a" } }, podSelector: {} }], ports: [{}] })],
      [{ type: `${networking}NetworkPolicy`, props: { spec: { podSelector: {} } } }],
      [{ type: `${networking}NetworkPolicy`, props: { spec: { egress: [{}] } } }],
    ],
    broken: [
      [incoming({ ports: [{ port: 5432 }] }), /without from lets everybody in\. Name the pods/],
      [incoming({ from: [], ports: [{ port: 5432 }] }), /without from/],
      [incoming({ from: [{ ipBlock: { cidr: "0.0.0.0/0" } }], ports: [{ port: 5432 }] }), /ipBlock.*outside/],
      [incoming({ from: [{ namespaceSelector: {} }], ports: [{ port: 5432 }] }), /every namespace/],
      [incoming({ from: [{ podSelector: {} }] }), /without ports/],
    ],
  },
  "volumes-retained": {
    kept: [
      [storageClass({ reclaimPolicy: "Retain" })],
      [storageClass({}), { keepVolumes: false }],
      [set({ whenDeleted: "Retain", whenScaled: "Retain" })],
      [set({ whenDeleted: "Delete" }), { keepVolumes: false }],
      [{ type: `${apps}StatefulSet`, props: {} }],
    ],
    broken: [
      [storageClass({}), /reclaimPolicy to Retain/],
      [storageClass({ reclaimPolicy: "Delete" }), /reclaimPolicy to Retain/, { keepVolumes: true }],
      [{ type: `${core}PersistentVolume`, props: {} }, /persistentVolumeReclaimPolicy/],
      [set({ whenDeleted: "Delete" }), /whenDeleted to Retain/],
      [set({ whenScaled: "Delete" }), /whenScaled to Retain/, { keepVolumes: false }],
    ],
  },
  "limits-set": {
    kept: [
      [running({ resources: { limits } })],
      [service({})],
      [running({ resources: { limits: { cpu: 0.5, memory: "10M" } } })],
    ],
    broken: [
      ...["0", "", "0m", "0.0", 0].map((cpu): [Resource, RegExp] => [
        running({ resources: { limits: { ...limits, cpu } } }),
        /all cpu/,
      ]),
      [running({ resources: { limits: { ...limits, memory: "0Gi" } } }), /all memory/],
      [running({ resources: { limits: { cpu: "1" } } }, `${apps}StatefulSetPatch`), /all memory/],
      [running({ resources: { limits: { cpu: "1" } } }), /container app may use all memory/],
      [running({ resources: { limits: { memory: "1Gi" } } }, "kubernetes:batch/v1:Job"), /all cpu/],
      [
        {
          type: `${core}Pod`,
          props: { spec: { initContainers: [{ name: "init", resources: { limits: { cpu: 1 } } }] } },
        },
        /container init/,
      ],
      [
        {
          type: "kubernetes:batch/v1:CronJob",
          props: {
            spec: {
              jobTemplate: {
                spec: { template: { spec: { containers: [{ name: "c", resources: { limits: { cpu: 1 } } }] } } },
              },
            },
          },
        },
        /container c .*memory/,
      ],
    ],
  },
  "passwords-protected": {
    kept: [
      [password(20)],
      [
        configMap({
          "passwords.sh": "password=$1",
          "pg_hba.conf": "host all all all scram-sha-256",
          url: "http://a/b",
        }),
      ],
      [env("PGPASSFILE", "/run/passfile")],
      [env("POSTGRES_PASSWORD_FILE", "/run/password")],
      [env("PWD", "/work")],
      [running({ env: [{ name: "POD", valueFrom: { fieldRef: {} } }], envFrom: [{ configMapRef: { name: "c" } }] })],
      [running({ args: ["--host=a", "postgresql://user@host/db"] })],
      [running({ command: ["sh", "-c", 'password=$(cat /run/password); [ "$password" = "" ]'] })],
    ],
    broken: [
      [password(8), /8 characters is too short. Use 20/],
      [configMap({ POSTGRES_PASSWORD: "x" }), /POSTGRES_PASSWORD. Put it into a Secret/],
      [configMap({ uri: "postgresql://user:word@host/db" }), /password in uri/],
      [env("PGPASSWORD", "x"), /password PGPASSWORD in its environment. Mount the Secret/],
      [running({ env: [{ name: "DB_PASSWORD", valueFrom: { secretKeyRef: {} } }] }), /DB_PASSWORD/],
      [env("DATABASE_URL", "postgres://u:p@h"), /DATABASE_URL/],
      [env("DBPASSWORD", "x"), /DBPASSWORD/],
      [env("MYSQL_PWD", "x"), /MYSQL_PWD/],
      [env("DSN", "host=h password=x"), /DSN/],
      [running({ env: [{ name: "KEY", valueFrom: { secretKeyRef: { name: "s" } } }] }), /password KEY/],
      [running({ envFrom: [{ secretRef: { name: "s" } }] }), /Secret s in its environment. Mount/],
      [configMap({ ".pgpass": "x" }), /password in \.pgpass/],
      [configMap({ "password.txt": "x" }), /password in password\.txt/],
      [configMap({ passwords: "x" }), /password in passwords/],
      [configMap({ "a.conf": "host = h\npassword = 'x'" }), /password in a\.conf/],
      [running({ args: ["host=h password=x"] }), /command line/],
      [running({ command: ["sh", "-c", "PGPASSWORD=x psql"] }), /command line/],
      [running({ args: ["pwd=x"] }), /command line/],
      [running({ args: ["--password=x"] }), /command line/],
      [running({ command: ["psql", "postgres://u:p@h"] }), /command line/],
    ],
  },
  "images-pinned": {
    kept: [
      [running({ image: "postgres:16" })],
      [running({ image: "localhost:5000/postgres@sha256:abc" })],
      [running({ image: "localhost:5000/team/postgres:16.4" })],
    ],
    broken: [
      [running({ image: "postgres" }), /Image postgres of container app/],
      [running({ image: "postgres:latest" }), /postgres:latest/],
      [running({ image: "localhost:5000/postgres" }), /Name a version or a digest/],
    ],
  },
};

describe("the policy pack:", () => {
  for (const { name, violations } of rules) {
    const { kept = [], broken = [] } = examples[name] ?? {};

    it(`${name} lets through what keeps it`, () => {
      expect(kept).to.have.length.greaterThan(0);
      for (const [resource, settings] of kept)
        expect(violations(resource, settings), JSON.stringify(resource)).to.deep.equal([]);
    });

    it(`${name} finds what breaks it, once, and says what to do`, () => {
      expect(broken).to.have.length.greaterThan(0);
      for (const [resource, words, settings] of broken) {
        const found = violations(resource, settings);
        expect(found, JSON.stringify(resource)).to.have.length(1);
        expect(found[0]).to.match(words);
      }
    });
  }

  for (const stack of ["dev", "prod"]) {
    for (const cloud of clouds) {
      it(`nothing in the plan of ${stack} on ${cloud} breaks a rule`, async () => {
        const { resources, found } = await judge(stack, { ...stackConfig(stack), "kubernetes-postgres:cloud": cloud });
        expect(found).to.deep.equal([]);
        expect(resources).to.be.greaterThan(10);
      });
    }
  }

  it("what is planted in a plan is found, by the resource it is in", async () => {
    const plan = await planOf("dev", stackConfig("dev"));
    const planted = plan.resources.map((resource) => {
      const { type, inputs } = resource;
      if (type === `${core}ConfigMap` && resource.name === "postgres-config")
        return { ...resource, inputs: { ...inputs, data: { POSTGRES_PASSWORD: "x" } } };
      return type === `${core}Service` ? { ...resource, inputs: { spec: { type: "LoadBalancer" } } } : resource;
    });
    const found = violationsIn({ ...plan, resources: planted }, {});
    expect(found.map(({ rule, resource }) => `${rule} ${resource}`)).to.have.members([
      "passwords-protected ConfigMap postgres-config",
      "no-public-exposure Service postgres-headless-service",
      "no-public-exposure Service postgres-primary-service",
    ]);
  });

  it("finds a StatefulSet whose pods no network policy closes, unless the stack's settings leave it open", () => {
    const labels = { app: "postgres", tier: "data" };
    const template = { metadata: { labels } };
    const pods = { type: `${apps}StatefulSet`, props: { metadata: { name: "p", namespace: "n" }, spec: { template } } };
    const policy = (spec: object, namespace = "n"): Resource => ({
      type: `${networking}NetworkPolicy`,
      props: { metadata: { namespace }, spec },
    });
    const found = (settings: RuleSettings, ...policies: Resource[]): string[] =>
      stackRules.flatMap((rule) => rule.violations([pods, ...policies], settings));
    expect(
      found({}, policy({ podSelector: { matchLabels: { app: "postgres" } }, policyTypes: ["Ingress"] })),
    ).to.deep.equal([]);
    expect(found({}, policy({ podSelector: {} }))).to.deep.equal([]);
    expect(found({ networkPolicy: false })).to.deep.equal([]);
    const open = [
      [],
      [policy({ podSelector: {} }, "other")],
      [policy({ podSelector: { matchLabels: { app: "other" } } })],
      [policy({ podSelector: { matchExpressions: [{ key: "app", operator: "DoesNotExist" }] } })],
      [policy({ podSelector: {}, policyTypes: ["Egress"] })],
    ];
    for (const policies of open) {
      expect(found({}, ...policies), JSON.stringify(policies)).to.have.length(1);
      expect(found({}, ...policies)[0]).to.match(/StatefulSet p is open.*networkPolicy.enabled: true/);
    }
  });

  it("finds a network policy that is missing from a plan, but where the settings say so", async () => {
    const open = { ...stackConfig("dev"), "kubernetes-postgres:networkPolicy": '{"enabled":false}' };
    expect((await judge("dev", open)).found).to.deep.equal([]);
    const found = violationsIn(await planOf("dev", open), {});
    expect(found.map(({ rule, resource }) => `${rule} ${resource}`)).to.deep.equal(["network-closed the stack"]);
  });

  it("volumes that go with the stack are let through where its settings say so", async () => {
    const thrownAway = { ...stackConfig("dev"), "kubernetes-postgres:keepVolumes": "false" };
    expect((await judge("dev", thrownAway)).found).to.deep.equal([]);
    const found = violationsIn(await planOf("dev", thrownAway), { keepVolumes: true });
    expect(found.map(({ rule, resource }) => `${rule} ${resource}`)).to.have.members([
      "volumes-retained StorageClass postgres-storage-class",
      "volumes-retained StatefulSet postgres-stateful-set",
    ]);
  });
});
