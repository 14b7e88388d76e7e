import type { Envelope } from "@slipway/core/events";
import { validateIdentifier } from "@slipway/core/identifiers";
import { Fault, messageOf } from "@slipway/fault/fault";

/** @throws {Fault} `invalid_argument`, in containerd's words */
export function validateEnvelope({ namespace, topic, timestamp }: Envelope): void {
  try {
    validateIdentifier(namespace);
  } catch (error) {
    throw invalid(`event envelope has invalid namespace: ${messageOf(error)}`, error);
  }
  try {
    validateTopic(topic);
  } catch (error) {
    throw invalid(`envelope topic "${topic}": ${messageOf(error)}`, error);
  }
  if (Number.isNaN(timestamp.getTime())) {
    throw invalid("timestamp must be set on forwarded event: invalid argument");
  }
}

function validateTopic(topic: string): void {
  if (topic === "") throw invalid("must not be empty: invalid argument");
  if (!topic.startsWith("/")) throw invalid("must start with '/': invalid argument");
  if (topic.length === 1) throw invalid("must have at least one component: invalid argument");
  for (const component of topic.slice(1).split("/")) {
    try {
      validateIdentifier(component);
    } catch (error) {
      throw invalid(`failed validation on component "${component}": ${messageOf(error)}`, error);
    }
  }
}

function invalid(message: string, cause?: unknown): Fault {
  return new Fault("invalid_argument", message, { cause });
}
