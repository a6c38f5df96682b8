// Package conform tests whether a peer meets a specification, over the network and with
// one case for each requirement.
//
// A suite is a list of [Case]. Each has an ID that never changes and is never used again:
// the protocol, the section of its specification, and a number, such as mscp/7.2.3/1.
//
//   - [MSCP] tests a media server (draft-mcglashan-mscp-02). Each case calls it over SIP and
//     sets up a control channel over TCP, TLS or INFO. Cases paper/... are about RestoreMsg
//     and SendMsg (the paper, section 2.3.4).
//   - [MSCPAS] tests an application server. The runner plays media servers, proxy, presence
//     server, caller and recipient. Cases paper-as/... are about the paper's flows.
//   - [MSRP] tests a recipient of messages (RFC 4975), [MSRPSender] a sender, and
//     [MSRPRelayClient] a client of a relay (RFC 4976).
//
// A strict case is a MUST of the specification. The other cases are recommendations, or
// behaviour on which peers rely; [Options].Strict counts them, too. A case about something
// that the peer refuses to serve is skipped with the reason.
//
//	results, err := conform.Run(ctx, conform.MSCP(conform.MSCPTarget{SIP: "192.0.2.1:5060"}), conform.Options{})
//
// [WriteText], [WriteJSON], [WriteJUnit] and [WriteHTML] write the results.
// docs/conformance.md describes the command line.
//
// MSCP is read by package draft and MSRP by package msrptest. Neither shares code with the
// packages under test, so that a misreading there cannot hide itself.
//
// # Limits
//
// One case runs at a time. Each wait ends after [Options].Timeout. A report has up to
// [MaxWire] bytes of a failed case's messages, and up to [MaxMessage] of each.
package conform
