import assert from "node:assert/strict";
import { setTimeout as delay } from "node:timers/promises";
import { after, before, describe, it } from "node:test";
import type { Client } from "@slipway/client/client";
import { connect } from "@slipway/client/connect";
import { pull } from "@slipway/client/pull";
import { pullInDaemon } from "@slipway/client/pull-in-daemon";
import { push } from "@slipway/client/push";
import { Fault } from "@slipway/fault/fault";
import { digestOf } from "@slipway/oci/digest";
import { mediaTypes } from "@slipway/oci/media-types";
import { parseReference } from "@slipway/oci/reference";
import { Repository } from "@slipway/registry/registry";
import { AnsweringRegistry, type Send, SmallImage, type Step } from "../support/answering-registry.ts";
import { TestDaemon } from "../support/daemon.ts";
import { patience } from "../support/patience.ts";
import { until } from "../support/until.ts";
import { wrongAnswers, wrongBodies } from "../support/wrong-answers.ts";

const pullSteps: readonly Step[] = ["token", "head manifest", "get manifest", "get config", "get layer"];
const pushSteps: readonly Step[] = [
  "token",
  "head blob",
  "mount",
  "start upload",
  "put upload",
  "put manifest",
];
const longestMs = 15_000 * patience;
const atOnce = 10;
const options = {
  credentials: { origin: "nowhere", find: async () => undefined },
  hostsDirectories: [],
  plainHttp: true,
  retryDelayMs: 1,
  stallTimeoutMs: 600 * patience,
};

/** Runs a case for each step and wrong answer, some at a time. @returns what was wrong with the ends of them */
async function forEachAnswer(
  steps: readonly Step[],
  run: (registry: AnsweringRegistry, image: SmallImage, step: Step) => Promise<void>,
): Promise<string[]> {
  const cases = steps.flatMap((step) => {
    const hasBody = step === "token" || step.startsWith("get ");
    const ways = Object.entries(hasBody ? { ...wrongAnswers, ...wrongBodies } : wrongAnswers);
    return ways.map(([name, send]) => ({ step, name, send }));
  });
  const wrong: string[] = [];
  const work = async (): Promise<void> => {
    for (let next = cases.shift(); next; next = cases.shift()) {
      const { step, name, send } = next;
      const begunMs = performance.now();
      const image = new SmallImage(`${step} ${name}`);
      await using registry = await AnsweringRegistry.start(image, { step, send });
      try {
        await Promise.race([run(registry, image, step), tooLong()]);
      } catch (error) {
        const why = faultOf(error);
        if (why !== undefined) wrong.push(`${step}, ${name}: ${why}`);
      }
      const ms = performance.now() - begunMs;
      if (ms > longestMs) wrong.push(`${step}, ${name}: took ${Math.round(ms)} ms`);
    }
  };
  await Promise.all(Array.from({ length: atOnce }, work));
  return wrong;
}

async function tooLong(): Promise<never> {
  await delay(longestMs, undefined, { ref: false });
  throw new Error("does not end");
}

/** What is wrong with an error; nothing for a sentence that names the address, or the bytes that were not right. */
function faultOf(error: unknown): string | undefined {
  if (!(error instanceof Fault)) return `not a fault: ${String(error)}`;
  const { message } = error;
  if (/undefined|\[object |Unexpected token|is not a function|TypeError|\p{Cc}/u.test(message))
    return message;
  if (message.length > 1000) return `too long: ${message}`;
  return /https?:\/\/127\.0\.0\.1:|Cannot (?:verify blob|read (?:index|manifest)) |schema 1 image|: not found$/.test(
    message,
  )
    ? undefined
    : message;
}

describe("a registry that answers wrongly", { timeout: 300_000 * patience }, () => {
  let daemon: TestDaemon;
  let client: Client;

  before(async () => {
    daemon = await TestDaemon.start("slipwayd");
    client = connect({ address: daemon.address });
  });
  after(async () => {
    await client[Symbol.asyncDispose]();
    await daemon[Symbol.asyncDispose]();
  });

  /** Nothing is left of what failed, and of what did not once it is removed. */
  async function nothingIsLeft(): Promise<void> {
    for (const { name } of await client.images.list()) await client.images.delete(name, { sync: true });
    assert.deepEqual(await client.leases.list(), []);
    // Its end makes the collector run.
    const { id } = await client.leases.create({});
    await client.leases.delete(id, { sync: true });
    await until(async () => (await client.content.list()).length === 0);
    await until(async () => (await client.content.listStatuses()).length === 0);
  }

  it("is told in a sentence by a pull, which leaves nothing", async () => {
    const wrong = await forEachAnswer(pullSteps, async (registry, image) => {
      const name = `${registry.host}/team/app:1`;
      try {
        const { target } = await pull(client, name, { ...options, platforms: "all", unpack: false });
        assert.equal(target.digest, digestOf(image.manifest), "another image was stored");
      } catch (error) {
        await assert.rejects(client.images.get(name), { code: "not_found" }, "a failed pull left its image");
        throw error;
      }
    });
    assert.deepEqual(wrong, []);
    await nothingIsLeft();
  });

  it("is told in a sentence by a push, which says that it is done only if it is", async () => {
    const image = new SmallImage("push");
    await using source = await AnsweringRegistry.start(image);
    const whole = { ...options, platforms: "all", unpack: false } as const;
    const { target } = await pull(client, `${source.host}/other/app:1`, whole);
    const wrong = await forEachAnswer(pushSteps, async (registry, _, step) => {
      await push(client, `${registry.host}/team/app:1`, target, options);
      const { stored } = registry;
      const isThere = (bytes: Buffer): boolean => stored.get(digestOf(bytes))?.equals(bytes) ?? false;
      // Registries that answer oddly where the bytes or the manifest should go may have stored nothing.
      if (step === "token" || step === "start upload") {
        assert.ok(isThere(image.config) && isThere(image.layer), "it has not got the blobs");
        assert.ok(stored.get("1")?.equals(image.manifest), "it has not got the manifest");
      }
    });
    assert.deepEqual(wrong, []);
    await nothingIsLeft();
  });

  it("is told in a sentence by an upload in parts", async () => {
    const wrong = await forEachAnswer(["patch upload", "put upload"], async (registry, image) => {
      const reference = parseReference(`${registry.host}/team/app`);
      const repository = new Repository(reference, { ...options, defaultScheme: "http" });
      const { layer } = image;
      const target = { mediaType: mediaTypes.ociLayer, digest: digestOf(layer), size: layer.length };
      async function* read(offset: number, length: number): AsyncGenerator<Uint8Array> {
        yield layer.subarray(offset, offset + length);
      }
      await repository.pushBlob(target, read, { chunkBytes: 40_000 });
    });
    assert.deepEqual(wrong, []);
  });

  const some: [Step, string, Send | undefined][] = (
    [
      ["token", "503 and when to come back"],
      ["get manifest", "303 to a page"],
      ["get manifest", "half of a document"],
      ["get config", "bytes of something else"],
      ["get layer", "a reset in the middle of the body"],
      ["get layer", "a megabyte of headers and more"],
    ] as const
  ).map(([step, name]) => [step, name, { ...wrongAnswers, ...wrongBodies }[name]]);
  for (const [step, name, send] of some) {
    it(`is told in a sentence by the daemon's own pull: ${step}, ${name}`, async () => {
      assert.ok(send);
      const image = new SmallImage(`${step} ${name}`);
      await using registry = await AnsweringRegistry.start(image, { step, send });
      const { credentials, hostsDirectories, plainHttp } = options;
      const pulled = pullInDaemon(client, `${registry.host}/team/app:1`, {
        credentials,
        hostsDirectories,
        plainHttp,
        platforms: "all",
        unpack: false,
      });
      await assert.rejects(pulled, (error) => faultOf(error) === undefined);
      await nothingIsLeft();
      assert.equal(daemon.log.includes("level=error"), false, daemon.log);
    });
  }
});
