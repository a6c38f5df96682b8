// Package ladder draws the messages between the nodes of a cluster as a
// ladder, from the trace records of those nodes: one column a node, one arrow
// a message, as in the paper's figures 2, 3 and 5.
//
// There are two ways to draw. A [Ladder] draws records as they happen.
// [Read] takes the trace files that any number of processes have written
// (package internal/daemon, TraceRecord: one JSON object a line) and makes a
// [Diagram] of them, which is written as text or as SVG.
//
// # One message, one arrow
//
// A message that both of its ends have traced is drawn once: two records are
// one message if one was sent and the other received, both between the same
// two addresses, with the same bytes (of MSRP: the same start line and headers,
// since the ends may cut bodies at different places). A listening address
// without a host, such as [::]:5060, matches every host with its port. Behind
// a network address translation the addresses differ, and both records are
// drawn. Who has traced nothing gets a lane named by its address, unless
// [Options].Names knows better.
//
// The chunks of a long MSRP message between the first and the last are drawn as
// one line, unless [Options].Chunks asks for all. So are rows that repeat those
// above them several times, as when subscriptions are refreshed for hours, unless
// [Options].Repeats asks for all. [Options].Explain says beside the messages what
// they are for.
//
// # Clocks
//
// The clocks of two hosts differ, and even on one host a fast peer may have
// read a message before its sender has noted that it is written. So that no
// message appears to be received before it is sent:
//
//  1. If a message came more than 1 ms too early, the clocks of the nodes are
//     corrected by whole offsets: along the busiest links, so that the fastest
//     messages of both directions take equally long, as NTP does; where there
//     is one direction only, by just as much as is needed. Diagram.Clocks says
//     by how much.
//  2. What is still too early, by races or because a clock drifted or was set
//     during the trace, is drawn at the time of its reception.
//
// Order in a diagram is thus the order of cause and effect between any two
// nodes, while distances in time are only as good as the clocks.
//
// # Calls
//
// [Filter].Call chooses what belongs to one call, on both sides of the
// application server: the SIP messages with the Call-ID; those of the other
// leg, whose session descriptions carry the same MSRP path; MSCP about a
// connection of one of these legs; and MSRP between their paths. The files are
// read twice for it.
//
// # Limits
//
// Memory is bounded by [MaxMessages] (or [Options].Limit) messages that are
// chosen, of which up to 2 KB each are kept, and by the identifiers of as many
// calls for [Filter].Call; a line by [MaxLine]. A ladder has at most
// [MaxLanes] lanes; the addresses with the fewest messages share the last.
//
// What strangers wrote is drawn with everything that is not printable replaced.
// Message bodies are kept only if [Options].Bodies says so.
//
// A [Ladder] is safe for concurrent use, a [Reader] and a [Diagram] are not.
package ladder
