const kubernetes = require("@pulumi/kubernetes");
const pulumi = require("@pulumi/pulumi");

const provider = new kubernetes.Provider("kubernetes", {
  kubeconfig: new pulumi.Config("kubernetes").require("kubeconfig"),
});
const metadata = { namespace: "default", name: `bench-${pulumi.getStack()}` };
new kubernetes.core.v1.ConfigMap("config-map", { metadata, data: { key: "value" } }, { provider });
