/**
 * How many connections may wait until they are accepted. Beyond that, a client whose socket does not block gets EAGAIN. The
 * kernel takes it down to net.core.somaxconn, which is what Go listens with; Node's own 511 are gone in one busy turn.
 */
export const backlog = 65_535;
