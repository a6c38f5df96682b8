// Package as is the application server (AS) of the offline-message cluster: the
// SIP back-to-back user agent that stands in for users who are not registered.
//
// The server handles signalling only. For a caller's INVITE it
//
//   - chooses a media server (MS) by weighted least connections,
//   - relays the caller's SDP offer and the answer byte for byte, and
//   - names sender and recipient to the MS over MSCP (RestoreMsg).
//
// When the recipient becomes reachable, it connects the recipient and the MS by
// third-party call control (RFC 3725, flow I) and starts the delivery (SendMsg).
//
// The flows are those of the 2010 paper (figures 2, 3 and 5) and of
// draft-mcglashan-mscp-02, sections 2.3 and 7. SIP is RFC 3261, 3264, 3311,
// 3725, 4028, 6665 and 7989. Presence documents are RFC 3863 and RFC 3680.
//
// Operation, metrics and the choices where the sources are silent are described
// in docs/manual.md and docs/design.md; DefaultYAML describes each setting.
//
// # Concurrency
//
// A [Server] is safe for concurrent use. Each control channel, each store session
// and each recipient with messages has its own goroutine. A recipient's goroutine
// runs the pushes for that recipient one at a time.
package as
