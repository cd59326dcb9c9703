import { generateKeyPairSync } from "node:crypto";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import fc from "fast-check";
import { Values } from "../cluster/secrets/values";

const around = fc.uint8Array({ maxLength: 20 }).map((bytes) => Buffer.from(bytes));
// Any value that is one line, long enough not to be there by chance.
const printable = fc.string({
  unit: fc.integer({ min: 32, max: 126 }).map((code) => String.fromCharCode(code)),
  minLength: 24,
  maxLength: 40,
});

function valuesWith(value: string): Values {
  const values = new Values();
  values.add("password", value);
  return values;
}

describe("the search for secret values", () => {
  const forms: [string, (text: string) => string][] = [
    ["plain", (text) => text],
    ["percent-encoded", encodeURIComponent],
    [
      "percent-encoded in small letters",
      (text) => encodeURIComponent(text).replace(/%../g, (code) => code.toLowerCase()),
    ],
    ["as JSON", JSON.stringify],
    ["in hexadecimal digits", (text) => Buffer.from(text).toString("hex")],
    ["in capital hexadecimal digits", (text) => Buffer.from(text).toString("hex").toUpperCase()],
  ];
  for (const [form, write] of forms) {
    it(`finds one ${form}, whatever is around it`, () => {
      fc.assert(
        fc.property(printable, fc.string(), fc.string(), (value, before, after) => {
          expect(valuesWith(value).in(before + write(value) + after)).to.not.be.empty;
        }),
      );
    });
  }

  for (const encoding of ["base64", "base64url"] as const) {
    it(`finds one in ${encoding} of anything that has it in it`, () => {
      fc.assert(
        fc.property(printable, around, around, (value, before, after) => {
          const text = Buffer.concat([before, Buffer.from(value), after]).toString(encoding);
          expect(valuesWith(value).in(`{"data":"${text}"}`)).to.not.be.empty;
        }),
      );
    });
  }

  it("finds nothing where there is nothing", () => {
    fc.assert(
      fc.property(printable, printable, (value, other) => {
        fc.pre(value !== other);
        const texts = forms.map(([, write]) => write(other));
        expect(
          valuesWith(value).inAll([["there", texts.concat(Buffer.from(other).toString("base64")).join("\n")]]),
        ).to.deep.equal([]);
      }),
    );
  });

  it("says which value it is, in which form and where, and not the value", () => {
    const values = valuesWith("correct horse battery");
    expect(values.inAll([["log of postgres-0", "login with correct%20horse%20battery"]])).to.deep.equal([
      "log of postgres-0: password (percent-encoded)",
    ]);
  });

  it("refuses what would be found by chance, or could not be found in a line", () => {
    expect(() => valuesWith("secret")).to.throw(/password is no line of 16 characters/);
    expect(() => valuesWith("correct horse\nbattery staple")).to.throw(/password is no line/);
  });

  it("finds a private key in any encoding of it, and does not take a certificate's public key for it", () => {
    const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "prime256v1" });
    const values = new Values();
    const pem = privateKey.export({ format: "pem", type: "pkcs8" }).toString();
    values.addKey("key", pem);
    const written = [
      pem,
      ...pem.split("\n").slice(1, 3),
      Buffer.from(pem).toString("base64"),
      privateKey.export({ format: "pem", type: "sec1" }).toString().replaceAll("\n", ""),
      JSON.stringify(privateKey.export({ format: "jwk" })),
    ];
    for (const text of written) expect(values.in(text), text).to.not.be.empty;
    const open = [
      publicKey.export({ format: "pem", type: "spki" }),
      JSON.stringify(publicKey.export({ format: "jwk" })),
    ];
    expect(values.in(open.join())).to.deep.equal([]);
  });

  describe("in files", () => {
    let folder: string;
    beforeEach(() => {
      folder = mkdtempSync(join(tmpdir(), "values-"));
    });
    afterEach(() => rmSync(folder, { recursive: true }));

    it("looks below folders and into binary ones, and follows no link", async () => {
      const values = valuesWith("correct horse battery");
      mkdirSync(join(folder, "a", "b"), { recursive: true });
      writeFileSync(join(folder, "a", "b", "binary"), Buffer.from("\0\xffcorrect horse battery\0", "latin1"));
      writeFileSync(join(folder, "other"), "correct horse");
      symlinkSync("a/b/binary", join(folder, "link"));
      expect(await values.inFiles(folder)).to.deep.equal([`${join(folder, "a", "b", "binary")}: password (plain)`]);
    });

    it("does not take a folder that is not there for one without values", async () => {
      const missing = join(folder, "missing");
      const failure = await valuesWith("correct horse battery").inFiles(folder, missing).then(String, String);
      expect(failure).to.contain(`there is no ${missing} to look into`);
    });
  });
});
