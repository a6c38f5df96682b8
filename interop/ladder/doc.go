// Package ladder draws the messages between the nodes of a cluster as a
// ladder, from the trace records of those nodes: one column a node, one arrow
// a message, as in the paper's figures 2, 3 and 5.
//
// A message that both of its ends have traced is drawn once. The chunks of a
// long MSRP message between the first and the last are drawn as one line.
//
// A [Ladder] is safe for concurrent use.
package ladder
