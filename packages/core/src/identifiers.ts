import { Fault } from "@slipway/fault/fault";

const maxLength = 76;
// As containerd writes it: the pattern is part of the message.
const pattern = /^[A-Za-z0-9]+(?:[._-](?:[A-Za-z0-9]+))*$/;

/**
 * Checks the name of a namespace, a container, a lease ...: containerd's pkg/identifiers/validate.go.
 * @throws {Fault} `invalid_argument`
 */
export function validateIdentifier(id: string): void {
  if (id.length === 0) throw new Fault("invalid_argument", "identifier must not be empty: invalid argument");
  if (id.length > maxLength) {
    throw new Fault(
      "invalid_argument",
      `identifier "${id}" greater than maximum length (${maxLength} characters): invalid argument`,
    );
  }
  if (!pattern.test(id)) {
    throw new Fault("invalid_argument", `identifier "${id}" must match ${pattern.source}: invalid argument`);
  }
}
