import { systemCall } from "./system-call.ts";

const syncfsCall = systemCall<[fd: number]>("int syncfs(int)");
const syncFileRange = systemCall<[fd: number, offset: number, length: number, flags: number]>(
  "int sync_file_range(int, int64_t, int64_t, unsigned int)",
);
const WRITE = 2;

/** syncfs(2) on a thread: everything of the file system behind `fd` is durable. */
export async function syncFileSystem(fd: number): Promise<void> {
  await syncfsCall.async(fd);
}

/** Starts writing a range back and does not wait, so that a later fsync has little left. `length` 0 = to the end. */
export function startWriteBack(fd: number, offset: number, length: number): void {
  syncFileRange(fd, offset, length, WRITE);
}
