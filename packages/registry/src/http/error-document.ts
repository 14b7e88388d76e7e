import { hasCode } from "@slipway/fault/fault";
import { type JsonField, parseJson } from "@slipway/oci/documents/json-field";

const maxErrors = 5;
const maxShown = 300;

/**
 * What a registry's errors say, as the end of a message: `: DENIED: quota exceeded`. Empty if the body says nothing.
 * https://github.com/opencontainers/distribution-spec/blob/main/spec.md#error-codes
 */
export function readErrorDocument(body: string): string {
  if (body.trim() === "") return "";
  // Object stores, to which registries redirect, explain themselves in XML.
  if (body.trimStart().startsWith("<")) {
    return shown(["Code", "Message"].flatMap((name) => elementOf(body, name)).join(": "));
  }
  try {
    return describe(parseJson("errors", body));
  } catch (error) {
    // Whatever it is, it is shown as it came: the failure itself is told by the status.
    if (!hasCode(error, "invalid_argument")) throw error;
    return shown(body);
  }
}

function describe(document: JsonField): string {
  const errors = document.get("errors");
  // Docker Hub's token server, and others, say it in another way.
  if (errors.isMissing) {
    const [other] = ["details", "message", "error_description", "error", "detail"]
      .map((name) => document.get(name))
      .filter((field) => field.isText);
    return shown(other?.text() ?? "");
  }
  return errors
    .list((error) => {
      const [code, message, detail] = ["code", "message", "detail"].map((name) => textOf(error.get(name)));
      return shown([code, message, detail === message ? "" : detail].filter(Boolean).join(": "));
    })
    .slice(0, maxErrors)
    .join("");
}

function textOf(field: JsonField): string {
  return field.isText ? (field.text() ?? "") : "";
}

function elementOf(xml: string, name: string): string[] {
  const text = new RegExp(`<${name}>([^<]{1,${maxShown}})`).exec(xml)?.[1];
  return text === undefined ? [] : [text];
}

/** On one line, without what a terminal would obey, and not longer than a message bears. */
function shown(text: string): string {
  const line = text.replaceAll(/[\s\p{Cc}]+/gu, " ").trim();
  if (line === "") return "";
  return `: ${line.length > maxShown ? `${line.slice(0, maxShown)}…`.toWellFormed() : line}`;
}
