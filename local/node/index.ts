/** The embedded default: one Kubernetes node on this machine. */
export { postgresImage, provideImage } from "./images";
export { ensureImage, type LocalNode, type NodeStatus, nodeStatus, startNode } from "./node";
export { type StopOptions, stopNode } from "./stop";
export {
  claimsToReattach,
  ensureVolumes,
  listVolumes,
  reattachVolumes,
  releaseVolumes,
  type Volume,
  type VolumesWanted,
} from "./volumes";
