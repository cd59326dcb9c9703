import { createHash } from "node:crypto";
import { createReadStream, mkdirSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import { runOrThrow } from "../tools/run";

/** What an image's containers start with. */
export interface ImageConfig {
  User?: string;
  Env?: string[];
  Entrypoint?: string[];
  Cmd?: string[];
  WorkingDir?: string;
}

interface Descriptor {
  mediaType: string;
  digest: string;
  size: number;
}

/**
 * Writes an image of one layer, the content of `rootfs`, as an OCI image layout that `ctr images import` reads.
 * The layer is not compressed: it never travels. Times are zero so that the same content gives the same image.
 */
export async function writeOciLayout(
  layout: string,
  rootfs: string,
  reference: string,
  config: ImageConfig,
): Promise<void> {
  const blobs = join(layout, "blobs", "sha256");
  mkdirSync(blobs, { recursive: true });
  const layerFile = join(layout, "layer.tar");
  const tarOptions = [
    "--sort=name",
    "--numeric-owner",
    "--mtime=@0",
    "--format=posix",
    "--pax-option=delete=atime,delete=ctime",
  ];
  await runOrThrow("tar", [...tarOptions, "-C", rootfs, "-cf", layerFile, "."]);
  const layerHash = await sha256OfFile(layerFile);
  const size = statSync(layerFile).size;
  renameSync(layerFile, join(blobs, layerHash));
  const layer: Descriptor = {
    mediaType: "application/vnd.oci.image.layer.v1.tar",
    digest: `sha256:${layerHash}`,
    size,
  };
  const blob = (mediaType: string, value: object): Descriptor => {
    const text = JSON.stringify(value);
    const hash = createHash("sha256").update(text).digest("hex");
    writeFileSync(join(blobs, hash), text);
    return { mediaType, digest: `sha256:${hash}`, size: Buffer.byteLength(text) };
  };
  const architecture = process.arch === "x64" ? "amd64" : process.arch;
  const imageConfig = blob("application/vnd.oci.image.config.v1+json", {
    architecture,
    os: "linux",
    config,
    rootfs: { type: "layers", diff_ids: [layer.digest] },
  });
  const manifest = blob("application/vnd.oci.image.manifest.v1+json", {
    schemaVersion: 2,
    mediaType: "application/vnd.oci.image.manifest.v1+json",
    config: imageConfig,
    layers: [layer],
  });
  const annotations = { "io.containerd.image.name": reference, "org.opencontainers.image.ref.name": reference };
  const index = {
    schemaVersion: 2,
    manifests: [{ ...manifest, annotations, platform: { architecture, os: "linux" } }],
  };
  writeFileSync(join(layout, "oci-layout"), JSON.stringify({ imageLayoutVersion: "1.0.0" }));
  writeFileSync(join(layout, "index.json"), JSON.stringify(index));
  rmSync(layerFile, { force: true });
}

async function sha256OfFile(path: string): Promise<string> {
  const hash = createHash("sha256");
  await pipeline(createReadStream(path, { highWaterMark: 1 << 20 }), hash);
  return hash.digest("hex");
}
