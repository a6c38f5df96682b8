// Package ladder draws the messages between the nodes of a cluster as a ladder, from
// their trace records: a column for each node, an arrow for each message, as in the
// paper's figures 2, 3 and 5.
//
// A [Ladder] draws records as they arrive. [Read] reads trace files of any number of
// processes (package internal/daemon, TraceRecord: one JSON object a line) and returns a
// [Diagram], which is written as text or as SVG.
//
// A message that both ends traced is drawn once. Clocks of different hosts are corrected,
// so that no message arrives before it is sent. [Filter].Call selects one call on both
// sides of the application server. docs/traces.md describes these rules.
//
// # Limits
//
// Memory is bounded by [MaxMessages] (or [Options].Limit) selected messages, with up to
// 2 KB each; a line by [MaxLine]. A ladder has at most [MaxLanes] lanes; the addresses with
// the fewest messages share the last one. Unprintable characters are replaced.
//
// A [Ladder] is safe for concurrent use, a [Reader] and a [Diagram] are not.
package ladder
