import { expect } from "chai";
import * as fc from "fast-check";
import { majorOfImage } from "../../../components/postgres/image";

const digest = `sha256:${"ab".repeat(32)}`;

describe("the PostgreSQL major of an image", () => {
  const table: [string, number | undefined][] = [
    ["postgres:16", 16],
    ["postgres:16.4-bookworm", 16],
    ["postgres:17-alpine3.20", 17],
    ["postgres:18beta1", 18],
    ["postgres:18rc1-trixie", 18],
    ["postgres:9.6", 9],
    ["ghcr.io/cloudnative-pg/postgresql:17.2-3", 17],
    ["ghcr.io/cloudnative-pg/postgresql:17-standard-bookworm", 17],
    ["localhost/postgres:15-bookworm", 15],
    ["localhost:5000/postgres:14.1", 14],
    ["localhost:5000/postgres", undefined],
    [`postgres:16@${digest}`, 16],
    [`postgres@${digest}`, undefined],
    ["postgres", undefined],
    ["postgres:latest", undefined],
    ["postgres:bookworm", undefined],
    ["registry.example.com:443/team/db:v16.2", 16],
    ["registry.example.com/team/db:20250101", undefined],
    ["registry.example.com/team/db:16a1b2c", undefined],
    ["postgis/postgis:16-3.4", 16],
    ["timescale/timescaledb:2.17.2-pg16", 16],
    ["timescale/timescaledb:latest-pg17", 17],
    ["pgvector/pgvector:pg17", 17],
    ["pgvector/pgvector:0.8.0-pg17-trixie", 17],
    ["ghcr.io/zalando/spilo-17:4.0-p2", undefined],
    ["", undefined],
  ];
  for (const [image, major] of table) {
    it(`${image || "(nothing)"} is ${major ?? "unknown"}`, () => {
      expect(majorOfImage(image)).to.equal(major);
    });
  }

  it("is the tag's, whatever the registry, path and digest", () => {
    const part = fc.stringMatching(/^[a-z][a-z0-9]{0,8}$/);
    fc.assert(
      fc.property(
        fc.array(part, { maxLength: 3 }),
        fc.option(fc.integer({ min: 1, max: 65535 })),
        fc.integer({ min: 9, max: 99 }),
        fc.option(fc.nat(30)),
        fc.boolean(),
        (path, port, major, minor, pinned) => {
          const registry = port === null ? "" : `registry.test:${port}/`;
          const tag = `${major}${minor === null ? "" : `.${minor}`}`;
          expect(
            majorOfImage(`${registry}${[...path, "postgres"].join("/")}:${tag}${pinned ? `@${digest}` : ""}`),
          ).to.equal(major);
        },
      ),
    );
  });
});
