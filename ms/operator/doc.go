// Package operator has the operator's commands for a media server's store: list, show,
// purge, restore, export, import, back up, check and compact.
//
// [Open] works on the file of a stopped server, [Dial] on a running server through its
// admin address, where [Handler] serves it. Both return a [Store] with the same
// behaviour. [Run] is the command line mscp-ms store.
//
// # HTTP
//
// Lists are JSON objects, one a line. A long operation answers with lines, too: progress
// first, and a result or an error at the end. An answer without its last line is
// incomplete. Bodies, exports and backups are sent unchanged; the server breaks the
// connection when one fails.
//
// # Limits
//
// Memory holds at most the list of recipients, of the file's index. Message bodies are
// shown on request only. There is no authentication: the admin address belongs on
// loopback.
package operator
