import { constants, existsSync, openSync } from "node:fs";
import { InputFifo } from "./input-fifo.ts";
import { showEnd, StreamCopy } from "./stream-copy.ts";
import { Descriptors, openOutput, type StdioOwner, type StdioPaths, type TaskStdio } from "./stdio.ts";

/**
 * Holds again what the shim before held of a process's streams. The process has its own ends, which kept them alive;
 * a client may have left and removed its FIFOs.
 */
export async function adoptStdio(
  paths: StdioPaths,
  {
    id,
    errorsFifo,
    isInputClosed,
  }: Pick<StdioOwner, "id" | "errorsFifo"> & { readonly isInputClosed: boolean },
): Promise<TaskStdio> {
  const descriptors = new Descriptors();
  if (!isInputClosed && existsSync(paths.stdin)) {
    const input = InputFifo.adopt(paths.stdin);
    if (input) descriptors.input(input);
  }
  if (paths.stdout.startsWith("json-file:")) {
    const { adoptJsonFile } = await import("./json-file.ts");
    await adoptJsonFile(paths, { id }, descriptors);
  }
  // Only to hold a read end of it.
  if (existsSync(paths.stdout)) descriptors.given(openOutput(paths.stdout, descriptors));
  if (existsSync(errorsFifo)) {
    const errors = existsSync(paths.stderr)
      ? openOutput(paths.stderr, descriptors)
      : openSync("/dev/null", "w");
    const reader = openSync(errorsFifo, constants.O_RDONLY | constants.O_NONBLOCK);
    showEnd(errorsFifo);
    descriptors.copied(new StreamCopy(reader, errors));
  }
  const stdio = descriptors.asStdio({}, undefined);
  stdio.afterStart();
  return stdio;
}
