import assert from "node:assert/strict";
import { EventEmitter, once } from "node:events";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it } from "node:test";
import { TtrpcServer } from "./server.ts";

describe("TtrpcServer", () => {
  it("goes on when a connection could not be accepted", async () => {
    await using server = new TtrpcServer([]);
    const path = join(tmpdir(), `slipway-accept-${process.pid}.sock`);
    await server.listen(path);
    // What node:net does when accept(2) fails, with EMFILE for instance.
    assert.ok(EventEmitter.prototype.emit.call(server.listener, "error", new Error("accept EMFILE")));
    const socket = connect(path);
    await once(socket, "connect");
    socket.destroy();
  });
});
