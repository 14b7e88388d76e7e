import type { Socket } from "node:net";
import { Duplex } from "node:stream";

/**
 * The socket, for an HTTP/2 session that has to read while it writes. Node's sessions stop reading as long as a write
 * of theirs waits for the peer: two of them that send much to each other at once wait for ever, which a client of a
 * Node server can only avoid on its side. Here each write is done at once and what it wrote waits in memory: no more
 * than HTTP/2's windows allow.
 */
export function readingSocket(socket: Socket): Duplex {
  const duplex = new Duplex({
    read: () => void socket.resume(),
    writev(chunks, done) {
      socket.cork();
      for (const { chunk } of chunks) socket.write(chunk as Uint8Array);
      socket.uncork();
      done();
    },
    final: (done) => void socket.end(done),
    destroy(error, done) {
      socket.destroy();
      done(error);
    },
  });
  socket.on("data", (chunk) => {
    if (!duplex.push(chunk)) socket.pause();
  });
  socket.on("end", () => duplex.push(null));
  socket.on("error", (error) => duplex.destroy(error));
  socket.on("close", () => duplex.destroy());
  return duplex;
}
