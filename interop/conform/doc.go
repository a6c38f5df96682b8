// Package conform tests whether a peer keeps to a specification: one case for
// each demand, against any implementation over the network.
//
// A suite is a list of [Case], each with an ID that never changes: the protocol,
// the section of its specification, and a number, such as mscp/7.2.3/1. An ID is
// not used again when its case goes. The demand is told in words.
//
// # Suites
//
//   - [MSCP]: a media server's end of draft-mcglashan-mscp-02 over TCP. Each case
//     calls it over SIP, sets up a control channel of its own, over TCP, TLS or
//     INFO, and ends both. The runner makes connections of its own, so that
//     conferences, dialogs and messages can be tried: a case about what the media
//     server refuses to serve is skipped, with its reason, unless
//     [MSCPTarget].Serves says that it is for that. One that serves nothing at all
//     fails. Cases paper/... are of RestoreMsg and SendMsg (the paper of 2010,
//     section 2.3.4), if it knows them.
//   - [MSCPAS]: an application server's end. The runner is all that is around it: media
//     servers, proxy, presence server, a caller and a user who returns. Cases paper-as/...
//     are of the paper's two flows, and of balancing.
//   - [MSRP]: who takes messages, RFC 4975. Each case has a session of its own,
//     by an INVITE, or an msrp URI that somebody else has agreed on.
//   - [MSRPSender]: who sends them. The runner is called, and takes messages; a command
//     has the peer call and send. [MSRPRelayClient] is of those who do so by way of a
//     relay, RFC 4976.
//
// A service behind a proxy is called as any user is: with From, To and Password,
// as in mscp-interop conform msrp --target PROXY --from URI --to URI --password P.
//
// # Levels
//
// A strict case is a demand of the specification: whoever fails it does not
// conform. The others are what the specification recommends, or leaves open
// while peers rely on it. [Options].Strict counts them as well.
//
// # Usage
//
//	results, err := conform.Run(ctx, conform.MSCP(conform.MSCPTarget{SIP: "192.0.2.1:5060"}), conform.Options{})
//
// or mscp-interop conform. [WriteText], [WriteJSON], [WriteJUnit] and
// [WriteHTML] write the results.
//
// # Limits
//
// One case runs at a time. Each wait for the peer ends after [Options].Timeout;
// to tell that nothing comes, a case does not wait but asks for something else
// behind it, whose answer must be the next. What went over the connections of a
// case that fails, SIP and MSRP too, is told up to [MaxWire] bytes, and each message up to
// [MaxMessage]; where something is left out, the report says how much.
//
// MSCP is read with package draft, and MSRP with msrptest: parsers of their own, so that a
// misreading of our packages cannot hide itself. Whatever a case is about, each PDU that
// comes is judged whole, by the grammar and the schema.
package conform
