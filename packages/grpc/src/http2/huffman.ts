/* HPACK's Huffman code, RFC 7541, appendix B. It is canonical: the lengths say all. */

/** Of each byte's code, in bits. */
const lengths = [
  13, 23, 28, 28, 28, 28, 28, 28, 28, 24, 30, 28, 28, 30, 28, 28, 28, 28, 28, 28, 28, 28, 30, 28, 28, 28, 28,
  28, 28, 28, 28, 28, 6, 10, 10, 12, 13, 6, 8, 11, 10, 10, 8, 11, 8, 6, 6, 6, 5, 5, 5, 6, 6, 6, 6, 6, 6, 6, 7,
  8, 15, 6, 12, 10, 13, 6, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 8, 7, 8, 13, 19,
  13, 14, 6, 15, 5, 6, 5, 6, 5, 6, 6, 6, 5, 7, 7, 6, 6, 6, 5, 6, 7, 6, 5, 5, 6, 7, 7, 7, 7, 7, 15, 11, 14, 13,
  28, 20, 22, 20, 20, 22, 22, 22, 23, 22, 23, 23, 23, 23, 23, 24, 23, 24, 24, 22, 23, 24, 23, 23, 23, 23, 21,
  22, 23, 22, 23, 23, 24, 22, 21, 20, 22, 22, 23, 23, 21, 23, 22, 22, 24, 21, 22, 23, 23, 21, 21, 22, 21, 23,
  22, 23, 23, 20, 22, 22, 22, 23, 22, 22, 23, 26, 26, 20, 19, 22, 23, 22, 25, 26, 26, 26, 27, 27, 26, 24, 25,
  19, 21, 26, 27, 27, 26, 27, 24, 21, 21, 26, 26, 28, 27, 27, 27, 20, 24, 20, 21, 22, 21, 21, 23, 22, 22, 25,
  25, 24, 24, 26, 23, 26, 27, 26, 26, 27, 27, 27, 27, 27, 28, 27, 27, 27, 27, 27, 26,
] as const;

const longest = 30;

interface CodesOfLength {
  readonly first: number;
  readonly bytes: readonly number[];
}

/** By length: codes of one length follow each other, in the order of the bytes that they stand for. */
const codes: readonly CodesOfLength[] = (() => {
  const all: CodesOfLength[] = [{ first: 0, bytes: [] }];
  let next = 0;
  for (let length = 1; length <= longest; length += 1) {
    next *= 2;
    const bytes = [...lengths.keys()].filter((byte) => lengths[byte] === length);
    all.push({ first: next, bytes });
    next += bytes.length;
  }
  return all;
})();

/** @returns nothing for what is not so encoded */
export function decodeHuffman(encoded: Uint8Array): string | undefined {
  const decoded: number[] = [];
  let [code, length] = [0, 0];
  for (const byte of encoded) {
    for (let bit = 7; bit >= 0; bit -= 1) {
      code = code * 2 + ((byte >> bit) & 1);
      length += 1;
      const { first, bytes } = codes[length] ?? { first: 0, bytes: [] };
      const found = bytes[code - first];
      if (found !== undefined) {
        decoded.push(found);
        [code, length] = [0, 0];
      } else if (length === longest) return undefined;
    }
  }
  // What is left of the last byte is the beginning of the code for the end: ones.
  if (length > 7 || code !== 2 ** length - 1) return undefined;
  return Buffer.from(decoded).toString("latin1");
}
