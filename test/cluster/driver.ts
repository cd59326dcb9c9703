import type { Namespace } from "./kubernetes";

interface Claim {
  metadata: { name: string };
  spec: { volumeName?: string; resources: { requests: { storage: string } } };
  status: { capacity?: { storage: string } };
}

/** Grows volumes as a CSI driver's resizer does: first the volume, then what the claim says of it. */
async function growOnce(namespace: Namespace): Promise<void> {
  const { items } = await namespace.json<{ items: Claim[] }>("get", "pvc");
  for (const { metadata, spec, status } of items) {
    const { storage } = spec.resources.requests;
    if (spec.volumeName === undefined || status.capacity?.storage === storage) continue;
    const capacity = { capacity: { storage } };
    await namespace.kubectl("patch", "pv", spec.volumeName, "-p", JSON.stringify({ spec: capacity }));
    const patch = JSON.stringify({ status: capacity });
    await namespace.kubectl("patch", "pvc", metadata.name, "--subresource=status", "-p", patch);
  }
}

/** Plays the driver that local volumes do not have, while `work` goes on. */
export async function withDriver<T>(namespace: Namespace, work: Promise<T>): Promise<T> {
  let ended = false;
  const finished = work.finally(() => {
    ended = true;
  });
  const driver = async (): Promise<void> => {
    while (!ended) {
      await growOnce(namespace);
      await new Promise((resolve) => setTimeout(resolve, 250));
    }
  };
  const [result] = await Promise.all([finished, driver()]);
  return result;
}
