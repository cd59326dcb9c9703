import { at, listAt, textAt } from "../../local/tools/json";

/**
 * The pods that an object has made, as somebody would make them by hand: any template within it, whatever the kind, with the
 * claims that a StatefulSet adds.
 */
export function barePodsOf(object: unknown): object[] {
  const claims = listAt(object, "spec", "volumeClaimTemplates").map((claim) => {
    const name = textAt(claim, "metadata", "name");
    return { name, persistentVolumeClaim: { claimName: `${name}-bare` } };
  });
  return templatesIn(object).map((template, index) => {
    const spec = at(template, "spec");
    const labels = at(template, "metadata", "labels");
    const volumes = [...listAt(spec, "volumes"), ...claims];
    const metadata = { name: `bare-${index}`, labels };
    return { apiVersion: "v1", kind: "Pod", metadata, spec: { ...(typeof spec === "object" && spec), volumes } };
  });
}

/** Everything below a value that has containers in its spec. */
function templatesIn(value: unknown): unknown[] {
  if (typeof value !== "object" || value === null) return [];
  if (listAt(value, "spec", "containers").length > 0) return [value];
  return Object.values(value).flatMap(templatesIn);
}
