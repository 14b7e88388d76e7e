import { Fault } from "@slipway/fault/fault";
import type { ImageConfig } from "@slipway/oci/image";

export interface CommandOptions {
  readonly image?: ImageConfig;
  /** Replaces the image's command. */
  readonly args?: readonly string[];
  /** Replaces the image's entry point, and with it the image's command. */
  readonly entrypoint?: readonly string[];
}

/**
 * What a container runs, by Docker's rules: an entry point that is one empty word is none, whether the image or the
 * caller has it, and a new entry point drops the image's command.
 * @throws {Fault} `invalid_argument` if nothing is left to run, or the program is an empty word
 */
export function commandOf({ args, entrypoint, image }: CommandOptions): string[] {
  const { Entrypoint, Cmd } = image?.config ?? {};
  const command = args?.length ? args : entrypoint === undefined ? (Cmd ?? []) : [];
  const words = [...withoutEmptyWord(entrypoint ?? Entrypoint ?? []), ...command];
  if (words.length === 0) {
    const why = "neither the image nor the caller names a command";
    throw new Fault("invalid_argument", `Cannot create container: ${why}`);
  }
  refuseEmptyProgram(words);
  return words;
}

/** @throws {Fault} `invalid_argument` if the first word, the program, is empty */
export function refuseEmptyProgram([program]: readonly string[]): void {
  if (program === "") throw new Fault("invalid_argument", 'Cannot run "": the name of the program is empty');
}

function withoutEmptyWord(words: readonly string[]): readonly string[] {
  return words.length === 1 && words[0] === "" ? [] : words;
}
