// Package wireshark makes MSCP readable in Wireshark and tshark. mscp.lua is a dissector;
// README.md describes its installation. Capture writes capture files of messages that
// were not captured on a network interface, for example from the trace files of the
// servers.
//
// # What is synthetic in a capture
//
// A Capture has messages with addresses and times, not packets. It makes one TCP
// connection for each pair of addresses, with a handshake before the first message and
// sequence numbers from a fixed start. Windows and segment sizes are synthetic, and the
// TCP checksum is zero. No segment is lost or repeated, and no connection ends. The link
// layer is LINKTYPE_RAW.
//
// # Limits
//
// A Capture keeps a few numbers for each TCP connection, and has at most MaxFlows
// connections. It is not safe for concurrent use.
package wireshark
