import { createHash, generateKeyPairSync, randomBytes, sign } from "node:crypto";

/** A certificate authority, both as PEM. */
export interface Authority {
  certificate: string;
  key: string;
}

// https://www.rfc-editor.org/rfc/rfc5280#section-4.1.2.5: "no well-defined expiration date". An authority that runs out
// would stop a cluster that nobody has touched for years; a new one is made by deleting its Secret.
const never = new Date("9999-12-31T23:59:59Z");

const pem = (label: string, der: ArrayBuffer): string => {
  const lines =
    Buffer.from(der)
      .toString("base64")
      .match(/.{1,64}/g) ?? [];
  return `-----BEGIN ${label}-----\n${lines.join("\n")}\n-----END ${label}-----\n`;
};

/**
 * Makes a new authority that can sign servers' certificates and no further authorities: ECDSA P-256, which every TLS
 * library has. Not Ed25519, for which SCRAM's channel binding is not defined (RFC 5929, section 4.1).
 * The library that writes X.509 is loaded here only: other modes of TLS do not pay for it.
 */
export async function makeAuthority(commonName: string): Promise<Authority> {
  const [x509, { AsnConvert, OctetString }] = await Promise.all([
    import("@peculiar/asn1-x509"),
    import("@peculiar/asn1-schema"),
  ]);
  const keys = generateKeyPairSync("ec", { namedCurve: "prime256v1" });
  const publicKey = AsnConvert.parse(keys.publicKey.export({ type: "spki", format: "der" }), x509.SubjectPublicKeyInfo);
  const name = new x509.Name([
    new x509.RelativeDistinguishedName([
      new x509.AttributeTypeAndValue({ type: "2.5.4.3", value: new x509.AttributeValue({ utf8String: commonName }) }),
    ]),
  ]);
  const extension = (extnID: string, critical: boolean, value: object) =>
    new x509.Extension({ extnID, critical, extnValue: new OctetString(AsnConvert.serialize(value)) });
  const keyId = createHash("sha1").update(new Uint8Array(publicKey.subjectPublicKey)).digest();
  const ecdsaWithSha256 = new x509.AlgorithmIdentifier({ algorithm: "1.2.840.10045.4.3.2" });
  const content = new x509.TBSCertificate({
    version: x509.Version.v3,
    serialNumber: serialNumber(),
    signature: ecdsaWithSha256,
    issuer: name,
    subject: name,
    validity: new x509.Validity({ notBefore: new Date(), notAfter: never }),
    subjectPublicKeyInfo: publicKey,
    extensions: new x509.Extensions([
      extension(x509.id_ce_basicConstraints, true, new x509.BasicConstraints({ cA: true, pathLenConstraint: 0 })),
      extension(x509.id_ce_keyUsage, true, new x509.KeyUsage(x509.KeyUsageFlags.keyCertSign)),
      extension(x509.id_ce_subjectKeyIdentifier, false, new x509.SubjectKeyIdentifier(keyId)),
    ]),
  });
  const signature = sign("sha256", Buffer.from(AsnConvert.serialize(content)), keys.privateKey);
  const certificate = new x509.Certificate({
    tbsCertificate: content,
    signatureAlgorithm: ecdsaWithSha256,
    signatureValue: new Uint8Array(signature).buffer,
  });
  return {
    certificate: pem("CERTIFICATE", AsnConvert.serialize(certificate)),
    key: keys.privateKey.export({ type: "pkcs8", format: "pem" }).toString(),
  };
}

/** Positive, and so without its first bit; and not of zeros, which some count as too short. */
function serialNumber(): ArrayBuffer {
  const bytes = new Uint8Array(randomBytes(16));
  bytes[0] = ((bytes[0] ?? 0) & 0x3f) | 0x40;
  return bytes.buffer;
}
