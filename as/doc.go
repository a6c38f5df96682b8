// Package as is the application server of the offline-message cluster: the
// one B2BUA that the SIP network sees, standing in for users who are not
// registered.
//
// It handles signalling only. For a caller's INVITE it picks a media server
// (MS) by weighted least connections, relays the caller's SDP offer to it
// byte for byte and the MS's answer back, and tells the MS over MSCP whose
// messages will arrive (RestoreMsg). When the presence server says that a
// recipient is reachable, it brings the user and the MS that keeps the
// messages together by third-party call control (RFC 3725, flow I) and starts
// the delivery (SendMsg).
//
// # Sources
//
// The flows are those of the 2010 paper (figures 2, 3 and 5) and of
// draft-mcglashan-mscp-02, sections 2.3 and 7; SIP is RFC 3261, 3264, 3265,
// 3311, 3725, 4028 and 7989; presence documents are RFC 3863.
//
// # Changes, and ends that nobody tells of
//
// A re-INVITE or UPDATE of either leg is carried to the other, and the answer back,
// also where the offer is asked for. A caller's INVITE without an offer gets the
// media server's. Session timers (RFC 4028) find who has gone without a BYE, and
// store.max_duration ends what is kept alive for ever.
//
// # MSCP over TCP or INFO
//
// With control.transport info, MSCP goes in SIP INFOs on the control dialog (draft,
// section 7.1), which has no media then. An empty INFO every few seconds tells
// whether the media server still knows the dialog.
//
// # One name in all logs
//
// A call's lines have a "session" in this server's log and in the media server's:
// the Session-ID (RFC 7989) that the caller has sent, or one of ours. It goes into
// our INVITEs, not into our responses.
//
// # Concurrency
//
// A [Server] is safe for concurrent use. One goroutine owns each media
// server's control channel, one each store session, and one each recipient
// who has messages: the latter makes that recipient's pushes one at a time.
//
// # What it keeps
//
// The [Directory] file holds which media server keeps messages for which
// (recipient, sender). An entry is on disk before the caller's INVITE is
// answered and goes away only when the media server has said that everything
// was delivered, so that a killed and restarted server forgets nobody. An
// entry may therefore outlive its messages; a push that finds nothing ends it.
//
// # Limits
//
// The server trusts its SIP peers: it belongs behind a proxy. PRACK is not
// supported. A change of a session that the other leg does not answer in time gets
// 504 and leaves the session as it is.
package as
