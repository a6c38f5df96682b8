// Package mscp implements MSCP, the Media Server Control Protocol of
// draft-mcglashan-mscp-02, and the offline-message elements of a 2010 paper: the
// documents, the TCP channel (section 7.2), the SDP that sets it up (7.2.1), and
// SIP INFO as another carrier (7.1). It takes and returns SDP bodies; it has no SIP.
//
// An application server (AS) uses a [Connector], which makes the SDP offer and
// connects. It returns a [Client] for requests. A media server (MS) uses an
// [Acceptor], which makes the SDP answer, and runs a [Server] with a [Handler] on the
// accepted connection. Package mediaserver has a Handler for dialogs and conferences
// (sections 4 and 5). [InfoClient] and [InfoServer] carry the same requests over SIP
// INFO; [ClientTLS] and [ServerTLS] add TLS with fingerprints (RFC 8122).
//
// [Validate], [ValidatePDU] and [ValidateSDP] list every broken rule with its section
// and position. docs/mscp.md has the decisions where the draft is silent or contradicts
// itself. MUSTS.md maps each MUST and SHOULD to its code and tests.
//
// # XML
//
// XML that a program inspects or builds is an *etree.Element of github.com/beevik/etree:
// the content of src, foreign elements, the field XML of [Other], and content such as a
// conference-info. Documents are read by internal/xmltree and not by etree, which accepts
// 10 of 20 documents that are not well-formed (TestMalformed), and is four times slower
// (BenchmarkReaders).
//
// # Errors
//
// [*Error] is the error response of the MS. [*ParseError] and [*ValidationError] are about
// the peer's bytes. All requests on a channel that ends fail with [ErrChannelClosed].
//
// # Concurrency
//
// A Client and a Server are safe for concurrent use. One goroutine reads each connection.
// Writes are serialised and have a deadline. This side closes the connection if the peer
// does not read, or acknowledges nothing, for [Config].DeadPeer.
package mscp
