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
// (MS) has an [Acceptor] answer and run a [Server] on the connection that comes.
// A [MediaServer] is a handler for the requests of
// sections 4 and 5: it knows ids and states, and calls functions for the media.
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
// The draft's grammar of the start lines has a doubled CRLF, and two spaces before
// the id of a request, but one in a response; its examples have one of each: the
// examples' form is written, both are read. A request-id of any length that fits
// in a line goes back as it came. In a response the request-id is the last token of the line. Headers
// come in either order, with names in any case; unknown ones are ignored. The
// draft's SDP example lacks a format, t= and an address type in c=; all of that
// is read, and what is written is complete.
//
// How an AS that has lost its memory learns what an MS keeps is ours, too:
// [SendInventory], [InventoryFollows] and [Inventory], in ExtensionNamespace.
//
// A request whose only child is foreign goes to the Handler. If that does not
// know it either, it is, after ignoring it as section 3.3 wants, empty: 400.
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
// receives the INFOs. INFO has no status of its own, so the one of an error
// goes in an attribute status of our namespace on response. [ClientTLS] and [ServerTLS] make a channel over TLS whose ends know
// each other by the fingerprints of their session descriptions (RFC 8122).
//
// # Where the draft contradicts itself
//
// In its own examples: stream has media in some places and type in others,
// dialoguser has event in 6.3 for name, dialog stands for dialogid in 6.2,
// dialogexit stands in a response in 6.1, and 4.2 names an error
// error.dialog.notstarted. The text of 4.8.2 says dialogterminatecomplete, once,
// for dialogtransfercomplete; it is read as that. A transfer is "bridged" in the
// text of 4.8 and "bridge" in its examples: neither is refused, since other types
// are allowed, and bridge is the one to write. The formal syntax (8) is what is written; the files
// in testdata show what becomes of each example when it is read. One example
// of 6.2 is not well-formed and is refused.
//
// Between its text and its formal syntax: the default of enctype is spelled as
// in section 8. A reason is required (text), though section 8 makes it optional.
// namelist and subscribe hold one or more items (text). videomixingvas is
// positive and has the default 3 (text). activespeakernotification is in
// section 8 only and is taken. mscp holds exactly one container (text), and
// foreign elements beside it are ignored, not taken for one. Video demands
// audiomixingpolicy, as 5.1 says, though it may mean videomixingpolicy.
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
// See the constants. The content of src and of foreign elements is kept as it
// came, and not looked into. Documents are read by internal/xmltree, which
// takes no DOCTYPE; one of a megabyte takes 4 MB at most while it is read. The
// offline-message elements keep no foreign attributes. A DialogStart that names no
// end point gets 400, and errordialognotstarted with an empty connectionid, which
// must name one.
package mscp
