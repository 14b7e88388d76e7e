import { createHash } from "node:crypto";
import { parentPort } from "node:worker_threads";
import { gunzip } from "@slipway/linux/inflate/gunzip";
import { unzstd } from "@slipway/linux/inflate/zstd";
import type { FloorJob } from "./floor.ts";

// A thread of Floor: what has to be done to a layer's blob, and no more.
parentPort?.on("message", ({ compression, bytes }: FloorJob) => {
  const blob = new Uint8Array(bytes);
  const [outer, inner] = [createHash("sha256"), createHash("sha256")];
  using inflater = compression === "gzip" ? gunzip() : unzstd();
  const pieceBytes = 1 << 18;
  for (let at = 0; at < blob.length; at += pieceBytes) {
    const piece = blob.subarray(at, at + pieceBytes);
    outer.update(piece);
    for (const tar of inflater.inflate(piece)) inner.update(tar);
  }
  parentPort?.postMessage([outer.digest("hex"), inner.digest("hex")]);
});
parentPort?.postMessage("ready");
