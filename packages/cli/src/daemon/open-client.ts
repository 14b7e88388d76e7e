import type { Client } from "@slipway/client/client";
import { connect } from "@slipway/client/connect";
import type { Globals } from "../cli.ts";
import { answers } from "@slipway/linux/answers";

/** A client of the daemon; when nothing answers at the address, slipwayd is started there first. */
export async function openClient(globals: Globals): Promise<Client> {
  const path = globals.address.replace(/^unix:(\/\/)?/, "");
  if (globals.startsDaemon && path.startsWith("/") && !(await answers(path))) {
    const { startDaemon } = await import("./start-daemon.ts");
    await startDaemon(path);
  }
  return connect(globals);
}
