// Package mscp speaks MSCP, the Media Server Control Protocol of
// draft-mcglashan-mscp-02, with the offline-message elements that a 2010 paper
// adds to it: its documents, its TCP channel (section 7.2) and the session
// descriptions that set the channel up (7.2.1).
//
// It knows no SIP: it gives and takes SDP bodies, and somebody else carries
// them.
//
// # Usage
//
// An application server (AS) has a [Connector] make the offer of an INVITE and
// connect, and makes requests with the [Client] that it returns. A media server
// (MS) has an [Acceptor] answer and run a [Server] on the connection that comes, with a
// [Handler] for the requests. Package mediaserver has a Handler for those of sections 4
// and 5. The examples show each.
//
// To look at what others send, [Validate], [ValidatePDU] and [ValidateSDP] list
// every rule that is broken, with its section and its place; [CheckAnswer] holds
// a response against its request, [ValidateElement] what is to be sent, and
// [ErrorReason] tells why something was refused. Package mscptest is a scripted peer.
//
// MUSTS.md, beside this file, has each MUST and SHOULD of the draft with its tag
// in the code and its tests.
//
// # What the sources leave open
//
// The paper shows its elements bare in request and response. The draft (3.3)
// wants foreign elements in a namespace of their own, so that is what is
// written unless the dialect is Paper, in ExtensionNamespace; both forms are
// read, always. The paper's connection-id may also be written connectionid, and
// blanks around its values are trimmed; attributes of the draft have the
// whitespace facets of section 8. The paper names no failure: MsgNotRestored and
// MsgNotSended, with a reason, are ours. So is [RequestFailed], the body of an
// error response to what has no error element of its own.
//
// A request-id that is not above the one before it on the channel breaks 7.2.3. The draft
// does not say what the MS does then. Status 400 is for a request that "had an error in
// it" (7.2.4), and such an id may belong to a request that is still under way: a [Server]
// answers 400 with the same id, and does not carry the request out, be the reading strict
// or not. The next id is compared with this one, so that an AS whose counter has wrapped
// loses one request. Over SIP INFO only strict reading does so, because the ids there are
// XML ids, which have no order that the draft defines (3.2).
//
// A request-id of any length that fits in a line goes back as it came. In a
// response it is the last token of the line. REQ, NOTIF and MSCP are in upper case;
// names of headers are in any, and unknown headers are ignored.
//
// How an AS that has lost its memory learns what an MS keeps is ours, too:
// [SendInventory], [InventoryFollows] and [Inventory], in ExtensionNamespace.
//
// A request whose only child is foreign goes to the Handler. If that does not
// know it either, it is, after ignoring it as section 3.3 wants, empty: 400.
//
// # XML as a tree
//
// XML that people handle is an *etree.Element of github.com/beevik/etree: the script in
// src, foreign elements, [Other], and what is built for them, such as a conference-info.
// An element must declare the prefixes that it uses, and its namespace, since it inherits
// the draft's. One that was read has these declarations.
//
// The documents themselves are not read by etree. It takes 10 of 20 documents that are
// not well-formed (TestMalformed), which section 3.3 forbids. It is also slower: for a
// RestoreMsg 20 µs and 50 allocations, where our reader needs 4.5 µs and 13 for the
// element (BenchmarkReaders). A channel whose ends read by it, too, makes 0.37 of the
// transactions of bare TCP, instead of 0.84 to 0.97 (BenchmarkTransactions, 64
// outstanding; two cores, with other work on them).
//
// # Concurrency
//
// A Client and a Server are safe for concurrent use. One goroutine reads each
// connection. Writes are serialised and have a deadline; a peer that does not
// read, or does not acknowledge, for [Config].DeadPeer ends the connection. All
// requests outstanding on a connection that ends fail with [ErrChannelClosed].
//
// An error tells whose fault it is: [*Error] is what the MS has answered, a
// [*ParseError] or [*ValidationError] is about the peer's bytes, and
// ErrChannelClosed and the errors of a context are about the way between.
//
// # Other ways to carry it
//
// [InfoClient] and [InfoServer] carry the same requests over SIP INFO
// (section 7.1), behind the same calls ([Doer]); whoever uses them sends and
// receives the INFOs, on a dialog without media ([InfoSDP]) or on those of
// participants. Each SIP dialog has its own two ends, so that a response uses its
// request's dialog; the sequence of messages is that of one dialog. INFO has no status
// of its own, so the one of an error goes in an attribute status of our namespace on
// response. [ClientTLS] and [ServerTLS] make a channel over TLS whose ends know
// each other by the fingerprints of their session descriptions (RFC 8122).
//
// # Where the draft contradicts itself
//
// What is written is of the formal syntax (8). Each line says what decides; what is taken
// beside it has a finding, unless the line says otherwise. The files in testdata show what
// becomes of each example.
//
//   - 4.1, 4.2, 5.3 name the attribute of stream media, and 8 and the examples type: type;
//     media is taken.
//   - 4.2 has an example with error.dialog.notstarted: errordialognotstarted.
//   - 4.8 demands the transfer types "blind and bridged", and its examples and headings say
//     bridge: bridge is the one to write; neither has a finding, since others are allowed.
//   - 4.8.2 says dialogterminatecomplete in its text, and dialogtransfercomplete in its
//     example, in 4.10 and in 8: the former is read as the latter. Section 11 tells that
//     only the example was corrected.
//   - 4.3 calls dialogterminate a request in three sentences: it is a notification.
//   - 6.1 has dialogexit in a response, three times: in a notification.
//   - 6.2 has dialog for dialogid, and a value without its first quote: the former is
//     taken, the latter is not well-formed.
//   - 6.3 has event for name in dialoguser, without a dialogid, and 5.1 "the event is
//     activespeaker": name.
//   - 5.5 has the conferenceid "vxi1", which is a dialog's elsewhere, and 4 and 7.2.6 have
//     connectionids that are not as 2.3.1 says: any string is an id, without a finding.
//   - 4.8 wants times as in CSS2, and 8 allows a plus sign: the pattern of 8.
//   - 4.1, 4.2 spell the default of enctype application/x-www-form-url-encoded, and 8
//     application/x-www-form-urlencoded: the latter, which is a registered type.
//   - 4, 5 call a reason mandatory, and 8 optional: mandatory.
//   - 4.1, 4.2, 5.1 want one or more items in namelist and subscribe, 8 any number: one.
//   - 4.1, 4.2 have one src, namelist and subscribe, 8 any number: one.
//   - 5.1 wants videomixingvas positive, with the default 3; 8 has a nonNegativeInteger
//     without a default: the text.
//   - 8 has activespeakernotification, and 5.1 an item of subscribe for it: both are taken.
//   - 5.1 demands audiomixingpolicy for video under the heading of videomixingpolicy,
//     which it may mean: audiomixingpolicy.
//   - 3.2 wants one of three containers in mscp, 8 also a foreign element: a container;
//     what is foreign beside it is ignored.
//   - 3.3 allows foreign elements and attributes, and 8 has no wildcard for elements in
//     item, stream, subscribe and errorconferencecreate: they are taken everywhere, without
//     a finding.
//   - 7.2.2 and 7.2.3 double the CRLF after a start line, and the examples do not: one is
//     written, and both are taken without a finding.
//   - 7.2.3 has two blanks before the id of a request, and 7.2.6 one; 7.2.4 and 7.2.6 have
//     one before that of a response: one is written; two are taken without a finding in a
//     request, and with one in a response.
//   - 7.2.2 has Content-Length first, and 7.2.6 Content-Type: the examples' order is
//     written, and both are taken without a finding.
//   - 7.2.2 allows no blank after the colon of a header, and 7.2.6 has one: one is written,
//     and both are taken without a finding.
//   - 7.2.1 has an SDP offer without a format, t= and an address type in c=, against the
//     RFCs that it names: all is read, and what is written is complete.
//   - 7.2.1 says "an m-line of type application" and its examples TCP/MS, which nothing
//     registers: TCP/MS, and TCP/TLS/MS for TLS.
//   - 3.3 has the channel report errors in XML, and 7.2.4 wants the error response in the
//     body, for which 8 has no element: [RequestFailed], where the request has none.
//
// [Validate] and [Options].Strict list every broken rule, with its section and
// place. Lenient reading refuses a request that breaks one, apart from the slips
// above and from blanks, unknown attributes and missing attributes of the
// paper's elements; it takes responses and notifications as they are.
//
// testdata/mscp.xsd has section 8 in our words, and TestSchema has a table of
// what the text forbids and the schema takes, and of the reverse.
//
// # Limits
//
// See the constants. internal/xmltree takes no DOCTYPE; a document of a megabyte takes
// 4 MB at most while it is read, and the trees of what is foreign in it come on top. The
// offline-message elements keep no foreign attributes. A DialogStart that names no
// end point gets 400, and errordialognotstarted with an empty connectionid, which
// must name one.
package mscp
