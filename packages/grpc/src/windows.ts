/* How much may be on its way: of HTTP/2's flow control, for both ends. */

/** What a peer may send on one call before it is read, in bytes: large enough for 1 MiB messages to flow. */
export const callWindowBytes = 1024 * 1024;
/**
 * The same for a whole connection: no bound of its own, because a few calls that nobody reads would take all of it and
 * stop every other call. The calls' windows hold.
 */
export const connectionWindowBytes = 2 ** 31 - 1;
/** What one connection may hold, in MB: at Node's 10 a few stalled readers make it refuse their neighbours' calls. */
export const sessionMegabytes = 256;
