// Package wireshark lets Wireshark and tshark read MSCP: mscp.lua beside it is
// a dissector for them (README.md says how to install it), and [Capture] writes
// capture files of what was seen elsewhere than on a network interface, such as
// in the trace files of the servers.
//
// # What is synthetic in a capture
//
// A Capture knows messages, their addresses and their times, not packets. It
// makes a TCP connection for each pair of addresses, with a handshake of its
// own before the first message and sequence numbers from a fixed start;
// windows, checksums of TCP (none are computed: the field is zero) and the sizes
// of segments are invented, nothing is lost or sent twice, and no connection
// ends. The link layer is none (LINKTYPE_RAW).
//
// # Limits
//
// A Capture keeps a few numbers for each TCP connection, of [MaxFlows] at most.
// It is not safe for concurrent use.
package wireshark
