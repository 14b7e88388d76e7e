export const AF_UNIX = 1;

/** struct sockaddr_un. */
export function unixAddress(path: string): Buffer {
  const bytes = Buffer.from(path);
  if (bytes.length > 107)
    throw new RangeError(`Cannot use socket "${path}": its path has more than 107 bytes`);
  const address = Buffer.alloc(2 + bytes.length + 1);
  address.writeUInt16LE(AF_UNIX, 0);
  bytes.copy(address, 2);
  return address;
}
