import { accessSync, constants } from "node:fs";
import type { Client } from "@slipway/client/client";
import { connect } from "@slipway/client/connect";
import { Fault } from "@slipway/fault/fault";
import type { Globals } from "../cli.ts";
import { answers } from "@slipway/linux/answers";

/** A client of the daemon; when nothing answers at the address, slipwayd is started there first. */
export async function openClient(globals: Globals): Promise<Client> {
  const path = globals.address.replace(/^unix:(\/\/)?/, "");
  if (globals.startsDaemon && path.startsWith("/") && !(await answers(path))) {
    refuseForbidden(path);
    const { startDaemon } = await import("./start-daemon.ts");
    await startDaemon(path);
  }
  return connect(globals);
}

/** Nobody seems to answer at a socket that one may not use. @throws {Fault} `permission_denied` */
function refuseForbidden(path: string): void {
  try {
    accessSync(path, constants.R_OK | constants.W_OK);
  } catch (error) {
    if (!(error instanceof Error) || !("code" in error) || error.code !== "EACCES") return;
    throw new Fault("permission_denied", `Cannot use the daemon at "${path}": permission denied; root may`, {
      cause: error,
    });
  }
}
