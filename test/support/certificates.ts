import { output } from "./run.ts";

export interface Certificates {
  /** Files: the authority's, and what it signed for 127.0.0.1. */
  readonly ca: string;
  readonly cert: string;
  readonly key: string;
}

/** An authority and a certificate of it for 127.0.0.1, made by openssl. */
export async function makeCertificates(folder: string): Promise<Certificates> {
  const [ca, cert, key] = ["ca.pem", "cert.pem", "key.pem"].map((name) => `${folder}/${name}`);
  const script = `
    openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=authority -keyout ca.key -out ca.pem
    openssl req -newkey rsa:2048 -nodes -subj /CN=127.0.0.1 -keyout key.pem -out request.pem
    printf 'subjectAltName=IP:127.0.0.1,DNS:localhost' > names
    openssl x509 -req -days 2 -in request.pem -CA ca.pem -CAkey ca.key -CAcreateserial -extfile names -out cert.pem`;
  await output("sh", ["-ec", `cd "$0"; ${script.trim()}`, folder]);
  return { ca: ca ?? "", cert: cert ?? "", key: key ?? "" };
}
