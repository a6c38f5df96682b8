// Package operator is what an operator does to a media server's store: look at
// what is kept and for whom, purge, put back what was set aside, export and
// import, back up and check.
//
// [Open] works on a file at rest, [Dial] on a running server through its admin
// address, where [Handler] serves it; both are a [Store] and behave alike. [Run]
// is the command line of both: mscp-ms store.
//
// # HTTP
//
// Lists are JSON objects, one a line. What may take long answers with lines, too:
// progress while it goes on, and a result or an error at the end. An answer
// without its last line was cut off. Bodies, exports and backups are sent as they
// are; the server breaks the connection off when one fails.
//
// # Limits
//
// Nothing is held in memory but the list of recipients, of the file's own index.
// Message bodies are shown only where they are asked for. There is no
// authentication: the admin address is for loopback.
package operator
